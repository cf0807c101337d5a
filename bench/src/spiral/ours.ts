/**
 * The spiral trained by neuralode on one backend with one gradient method.
 */
import { backsolve, direct } from '@neuralode/adjoint';
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { rmsProp } from '@neuralode/nn';
import { dopri5, odeint, type SolveStats } from '@neuralode/solvers';
import { type Backend, disposeTree, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { batchTimes, type SpiralProblem } from './problem.ts';

/** One row of bench/results/spiral.json. */
export interface SpiralResult {
  readonly system: string;
  readonly backend: string;
  readonly gradient: string;
  readonly msPerIteration: { readonly median: number; readonly min: number; readonly max: number };
  /** The first iteration, with all that is compiled or recorded only once. */
  readonly firstStepMs: number;
  /** Evaluations of the field an iteration, forwards; and backwards, where `direct` counts vector-Jacobian products. */
  readonly nfeForward: number | null;
  readonly nfeBackward: number | null;
  /** Of the last iteration. */
  readonly loss: number;
  /** Before any update: equal for all systems, or they do not train the same thing. */
  readonly initialLoss: number;
}

const gradients = { direct, backsolve };

interface Params {
  w1: Tensor;
  b1: Tensor;
  w2: Tensor;
  b2: Tensor;
}

/** Trains through all batches and times each iteration, the reading of the loss included. */
export async function trainSpiral(
  backend: Backend,
  name: string,
  gradient: keyof typeof gradients,
  problem: SpiralProblem,
): Promise<SpiralResult> {
  await setBackend(backend);
  const float = { dtype: 'float32' } as const;
  const nfe = { forward: 0, backward: 0 };
  const count = ({ pass, nfe: evaluations }: SolveStats): void => {
    nfe[pass] += evaluations;
  };
  const times = problem.times.slice(0, batchTimes);
  const field = (_: Tensor, y: Tensor, p: Params): Tensor =>
    y.mul(y).mul(y).matMul(p.w1).add(p.b1).tanh().matMul(p.w2).add(p.b2);
  const loss = (p: Params, y0: Tensor, target: Tensor): Tensor =>
    odeint(field, y0, times, {
      args: p,
      solver: dopri5(),
      rtol: 1e-7,
      atol: 1e-9,
      gradient: gradients[gradient](),
      onSolve: count,
    })
      .ys.sub(target)
      .abs()
      .mean();
  const optimiser = rmsProp({ learningRate: 1e-3 });
  const iterate = jit(
    (params: Params, state: ReturnType<typeof optimiser.init>, y0: Tensor, target: Tensor) => {
      const { value, grads } = valueAndGrad(loss)(params, y0, target);
      return { value, ...optimiser.update(grads, state, params) };
    },
  );

  let params: Params = {
    w1: tensor(problem.w1, float),
    b1: tensor(problem.b1, float),
    w2: tensor(problem.w2, float),
    b2: tensor(problem.b2, float),
  };
  let state = optimiser.init(params);
  const milliseconds: number[] = [];
  const losses: number[] = [];
  for (const [i, starts] of problem.batches.entries()) {
    if (i === problem.warmup) nfe.forward = nfe.backward = 0;
    const start = performance.now();
    const y0 = tensor(
      starts.map((s) => problem.trueY[s]),
      float,
    );
    const rows = Array.from({ length: batchTimes }, (_, k) =>
      starts.map((s) => problem.trueY[s + k]),
    );
    const target = tensor(rows, float);
    const next = await iterate(params, state, y0, target);
    losses.push(await next.value.item());
    disposeTree([params, state, y0, target, next.value]);
    ({ params, state } = next);
    milliseconds.push(performance.now() - start);
  }
  disposeTree([params, state]);
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
  };
}
