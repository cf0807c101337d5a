/** Products and Runge-Kutta steps of one field, the same for every system: see bench/peers/matmul_common.py. */
import { reference } from '@neuralode/backend-reference';
import { random, setBackend } from '@neuralode/tensor';

/** A field y w1 + b1 → activation → w2 + b2 from `start`, and how many steps of what size one solve takes. */
export interface StepProblem {
  readonly shape: string;
  /** [state][hidden], [hidden], [hidden][state], [state]. */
  readonly w1: number[][];
  readonly b1: number[];
  readonly w2: number[][];
  readonly b2: number[];
  /** [batch][state]. */
  readonly start: number[][];
  readonly steps: number;
  readonly stepSize: number;
  /** Floating-point operations of the four evaluations' products, a multiply-add being two. */
  readonly operations: number;
}

/** A product of two square matrices. */
export interface ProductProblem {
  readonly shape: string;
  readonly a: number[][];
  readonly b: number[][];
  /** How many products are timed together. */
  readonly times: number;
  readonly operations: number;
}

export interface MatMulProblem {
  readonly products: readonly ProductProblem[];
  readonly steps: readonly StepProblem[];
  /** How often each is measured. */
  readonly rounds: number;
}

/** [state, hidden, batch, steps]: a solve takes some tens of milliseconds. */
const stepShapes = [
  [2, 50, 20, 1024],
  [64, 64, 64, 256],
  [64, 256, 256, 32],
] as const;

/** [extent, products timed together]. */
const productShapes = [
  [256, 16],
  [512, 2],
] as const;

/** A power of two, so that every system takes exactly these steps. */
const stepSize = 1 / 64;

/** Makes the problem on the reference backend in float64, whatever is measured afterwards. */
export async function matMulProblem(seed: number, rounds: number): Promise<MatMulProblem> {
  await setBackend(reference());
  const rng = random(seed);
  const normal = (rows: number, columns: number, deviation: number): number[][] =>
    rng.normal([rows, columns], 0, deviation).arraySync() as number[][];
  const products = productShapes.map(([extent, times]) => ({
    shape: `${extent}×${extent}×${extent}`,
    a: normal(extent, extent, 1),
    b: normal(extent, extent, 1),
    times,
    operations: 2 * extent ** 3,
  }));
  const steps = stepShapes.map(([state, hidden, batch, count]) => ({
    shape: `${state}→${hidden}→${state}, batch ${batch}`,
    w1: normal(state, hidden, 0.5 / Math.sqrt(state)),
    b1: normal(1, hidden, 0.1)[0],
    w2: normal(hidden, state, 0.5 / Math.sqrt(hidden)),
    b2: normal(1, state, 0.1)[0],
    start: normal(batch, state, 1),
    steps: count,
    stepSize,
    operations: 4 * 2 * 2 * batch * state * hidden,
  }));
  return { products, steps, rounds };
}
