/** The planar flow trained by neuralode on one backend with one gradient method. */
import { backsolve, direct } from '@neuralode/adjoint';
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { cnf, gaussianBase, negativeLogLikelihood, type PlanarFieldParams } from '@neuralode/cnf';
import { adam } from '@neuralode/nn';
import { dopri5, type SolveStats } from '@neuralode/solvers';
import {
  type Backend,
  disposeTree,
  flatten,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { type CnfProblem, field } from './problem.ts';

/** One row of bench/results/cnf.json. */
export interface CnfResult {
  readonly system: string;
  readonly backend: string;
  readonly gradient: string;
  readonly msPerIteration: { readonly median: number; readonly min: number; readonly max: number };
  /** The first iteration, with all that is compiled or recorded only once. */
  readonly firstStepMs: number;
  readonly nfeForward: number | null;
  readonly nfeBackward: number | null;
  /** −log p in nats, of the last iteration. */
  readonly loss: number;
  /** Before any update, with the norm of its gradient: equal for all systems, or they do not compute the same thing. */
  readonly initialLoss: number;
  readonly initialGradientNorm: number;
}

const gradients = { direct, backsolve };

/** Times likelihood, gradient and update, the reading of the loss and of the gradient's norm included. */
export async function measureCnf(
  backend: Backend,
  name: string,
  gradient: keyof typeof gradients,
  problem: CnfProblem,
): Promise<CnfResult> {
  await setBackend(backend);
  const float = { dtype: 'float32' } as const;
  const nfe = { forward: 0, backward: 0 };
  const flow = cnf({
    field,
    base: gaussianBase(2),
    span: [0, problem.end],
    solver: dopri5(),
    rtol: problem.tolerance,
    atol: problem.tolerance,
    gradient: gradients[gradient](),
    onSolve: ({ pass, nfe: evaluations }: SolveStats) => {
      nfe[pass] += evaluations;
    },
  });
  const optimiser = adam({ learningRate: problem.learningRate });
  let params: PlanarFieldParams = problem.layers.map(({ weight, bias }) => ({
    weight: tensor(weight, float),
    bias: tensor(bias, float),
  }));
  let state = optimiser.init(params);
  const x = tensor(problem.x, float);
  const run = jit((p: PlanarFieldParams, s: typeof state, points: Tensor) => {
    const { value, grads } = valueAndGrad((q: PlanarFieldParams) =>
      negativeLogLikelihood(flow, q, points),
    )(p);
    const squares = flatten(grads).tensors.map((grad) => grad.square().sum());
    const norm = squares.reduce((sum, each) => sum.add(each)).sqrt();
    return { value, norm, ...optimiser.update(grads, s, p) };
  });
  const milliseconds: number[] = [];
  const losses: number[] = [];
  const norms: number[] = [];
  for (let i = 0; i < problem.warmup + problem.iterations; i++) {
    if (i === problem.warmup) nfe.forward = nfe.backward = 0;
    const start = performance.now();
    const next = await run(params, state, x);
    losses.push(await next.value.item());
    norms.push(await next.norm.item());
    disposeTree([params, state, next.value, next.norm]);
    ({ params, state } = next);
    milliseconds.push(performance.now() - start);
  }
  disposeTree([params, state, x]);
  const measured = milliseconds.slice(problem.warmup).sort((a, b) => a - b);
  return {
    system: 'neuralode',
    backend: name,
    gradient,
    msPerIteration: {
      median: measured[measured.length >> 1],
      min: measured[0],
      max: measured[measured.length - 1],
    },
    firstStepMs: milliseconds[0],
    nfeForward: nfe.forward / problem.iterations,
    nfeBackward: nfe.backward / problem.iterations,
    loss: losses[losses.length - 1],
    initialLoss: losses[0],
    initialGradientNorm: norms[0],
  };
}
