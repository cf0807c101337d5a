/** The likelihood of the planar flow and its gradient by neuralode, on one backend with one gradient method. */
import { backsolve, direct } from '@neuralode/adjoint';
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { cnf, gaussianBase, negativeLogLikelihood, type PlanarFieldParams } from '@neuralode/cnf';
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
  /** −log p in nats, and the norm of its gradient: equal for all systems, or they do not compute the same thing. */
  readonly loss: number;
  readonly initialGradientNorm: number;
}

const gradients = { direct, backsolve };

/** Times likelihood and gradient, the reading of both included. */
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
    solver: dopri5(),
    rtol: problem.tolerance,
    atol: problem.tolerance,
    gradient: gradients[gradient](),
    onSolve: ({ pass, nfe: evaluations }: SolveStats) => {
      nfe[pass] += evaluations;
    },
  });
  const params: PlanarFieldParams = problem.layers.map(({ weight, bias }) => ({
    weight: tensor(weight, float),
    bias: tensor(bias, float),
  }));
  const x = tensor(problem.x, float);
  const run = jit((p: PlanarFieldParams, points: Tensor) => {
    const { value, grads } = valueAndGrad((q: PlanarFieldParams) =>
      negativeLogLikelihood(flow, q, points),
    )(p);
    const squares = flatten(grads).tensors.map((grad) => grad.square().sum());
    return { value, norm: squares.reduce((sum, each) => sum.add(each)).sqrt() };
  });
  const milliseconds: number[] = [];
  let [loss, norm] = [0, 0];
  for (let i = 0; i < problem.warmup + problem.iterations; i++) {
    if (i === problem.warmup) nfe.forward = nfe.backward = 0;
    const start = performance.now();
    const result = await run(params, x);
    loss = await result.value.item();
    norm = await result.norm.item();
    milliseconds.push(performance.now() - start);
    disposeTree(result);
  }
  disposeTree([params, x]);
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
    loss,
    initialGradientNorm: norm,
  };
}
