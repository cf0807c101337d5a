/**
 * The public spiral example as one fixed problem that every system trains: true dynamics dy/dt = y³ A, a field
 * 2→50→2 with tanh on y³, batches of 20 stretches of 10 consecutive times.
 */
import { reference } from '@neuralode/backend-reference';
import { odeint } from '@neuralode/solvers';
import { linspace, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';

export const batchTimes = 10;
const batchSize = 20;
const points = 1000;
const end = 25;
const hidden = 50;

/** What is handed to the peers as JSON, and used here: see bench/peers/spiral_common.py. */
export interface SpiralProblem {
  readonly w1: number[][];
  readonly b1: number[];
  readonly w2: number[][];
  readonly b2: number[];
  readonly trueY: number[][];
  readonly times: number[];
  readonly batches: number[][];
  readonly warmup: number;
  readonly iterations: number;
}

/** Makes the problem on the reference backend in float64, whatever is measured afterwards. */
export async function spiralProblem(
  seed: number,
  warmup: number,
  iterations: number,
): Promise<SpiralProblem> {
  await setBackend(reference());
  const rng = random(seed);
  const times = Array.from(linspace(0, end, points).dataSync());
  const dynamics = tensor([
    [-0.1, 2],
    [-2, -0.1],
  ]);
  const field = (_: Tensor, y: Tensor): Tensor => y.mul(y).mul(y).matMul(dynamics);
  const { ys } = await odeint(field, tensor([[2, 0]]), times, { rtol: 1e-10, atol: 1e-12 });
  const normal = (shape: number[]): number[][] =>
    rng.normal(shape, 0, 0.1).arraySync() as number[][];
  return {
    w1: normal([2, hidden]),
    b1: new Array<number>(hidden).fill(0),
    w2: normal([hidden, 2]),
    b2: [0, 0],
    trueY: ys.reshape([points, 2]).arraySync() as number[][],
    times,
    batches: Array.from({ length: warmup + iterations }, () =>
      Array.from({ length: batchSize }, () => rng.integer(0, points - batchTimes)),
    ),
    warmup,
    iterations,
  };
}
