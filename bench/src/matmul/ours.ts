/** Products and Runge-Kutta steps by neuralode's backends, taking turns. */
import { jit } from '@neuralode/autodiff';
import { odeint, rk4 } from '@neuralode/solvers';
import { type Backend, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { spreadOf } from '../timing/spread.ts';
import type { MatMulProblem, ProductProblem, StepProblem } from './problem.ts';

/** What is measured: a product alone, an rk4 step, and one whose field has no tanh between its products. */
export type Work = 'product' | 'step' | 'step without tanh';

/** What a system says of one piece of work. */
export interface Measured {
  readonly system: string;
  readonly backend: string;
  readonly threads: number;
  readonly work: Work;
  readonly shape: string;
  /** Of one step, or one product: the median of the rounds. */
  readonly usPerStep: number;
  /** The least of the rounds. */
  readonly usShortest: number;
  /** The mean of the result's magnitudes: equal for all systems, or they do not compute the same thing. */
  readonly result: number;
}

/** A backend under the name that the results have for it. */
export interface Contestant {
  readonly name: string;
  readonly backend: Backend;
  readonly threads: number;
}

interface Params {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
  readonly b2: Tensor;
}

/** One piece of work on one backend: compiled, with the microseconds of each round so far. */
interface Trial {
  readonly contestant: Contestant;
  readonly work: Work;
  readonly shape: string;
  /** Steps or products of a run. */
  readonly times: number;
  /** Leaves the result. */
  readonly run: () => Tensor;
  readonly microseconds: number[];
  result: number;
}

const float = { dtype: 'float32' } as const;

/** The mean magnitude, added up in float64. */
function magnitude(y: Tensor): number {
  let sum = 0;
  for (const value of y.dataSync()) sum += Math.abs(value);
  return sum / y.size;
}

function productTrial(contestant: Contestant, problem: ProductProblem): Trial {
  const { shape, times } = problem;
  const [a, b] = [tensor(problem.a, float), tensor(problem.b, float)];
  const multiply = jit((x: Tensor, y: Tensor) => x.matMul(y)).sync;
  const run = (): Tensor => {
    for (let i = 1; i < times; i++) multiply(a, b).dispose();
    return multiply(a, b);
  };
  return { contestant, work: 'product', shape, times, run, microseconds: [], result: 0 };
}

function stepTrial(contestant: Contestant, problem: StepProblem, withTanh: boolean): Trial {
  const { shape, steps, stepSize } = problem;
  const params: Params = {
    w1: tensor(problem.w1, float),
    b1: tensor(problem.b1, float),
    w2: tensor(problem.w2, float),
    b2: tensor(problem.b2, float),
  };
  const field = (_: Tensor, y: Tensor, p: Params): Tensor => {
    const hidden = y.matMul(p.w1).add(p.b1);
    return (withTanh ? hidden.tanh() : hidden).matMul(p.w2).add(p.b2);
  };
  const span = [0, steps * stepSize] as const;
  const solve = jit((y0: Tensor, args: Params) =>
    odeint(field, y0, span, { args, solver: rk4(), stepSize }).ys.at(-1),
  ).sync;
  const start = tensor(problem.start, float);
  const work = withTanh ? 'step' : 'step without tanh';
  const run = (): Tensor => solve(start, params);
  return { contestant, work, shape, times: steps, run, microseconds: [], result: 0 };
}

function trialsOf(contestant: Contestant, { products, steps }: MatMulProblem): Trial[] {
  return [
    ...products.map((problem) => productTrial(contestant, problem)),
    ...[true, false].flatMap((withTanh) =>
      steps.map((problem) => stepTrial(contestant, problem, withTanh)),
    ),
  ];
}

function measure(trial: Trial): number {
  const start = performance.now();
  const result = trial.run();
  trial.result = magnitude(result);
  const milliseconds = performance.now() - start;
  result.dispose();
  return (1000 * milliseconds) / trial.times;
}

/** Measures all in rounds; between them `betweenRounds` may measure something of its own. */
export async function measureOurs(
  contestants: readonly Contestant[],
  problem: MatMulProblem,
  betweenRounds: () => void,
): Promise<Measured[]> {
  const trials: Trial[] = [];
  for (const contestant of contestants) {
    await setBackend(contestant.backend);
    const own = trialsOf(contestant, problem);
    // compiled, and then compiled again by the engine's second compiler
    for (const trial of own) for (let i = 0; i < 5; i++) measure(trial);
    trials.push(...own);
  }
  for (let round = 0; round < problem.rounds; round++) {
    for (const trial of trials) {
      await setBackend(trial.contestant.backend);
      trial.microseconds.push(measure(trial));
    }
    betweenRounds();
  }
  return trials.map(({ contestant, work, shape, microseconds, result }) => {
    const { median: usPerStep, min: usShortest } = spreadOf(microseconds);
    const system = 'neuralode';
    const { name: backend, threads } = contestant;
    return { system, backend, threads, work, shape, usPerStep, usShortest, result };
  });
}
