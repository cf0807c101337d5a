/** The planar flow as one fixed problem that every system computes: see bench/peers/cnf_common.py. */
import { type PlanarFieldParams, planarField, toyData } from '@neuralode/cnf';
import { reference } from '@neuralode/backend-reference';
import { random, setBackend } from '@neuralode/tensor';

export const width = 64;
export const hyperWidth = 32;
export const batch = 512;
export const tolerance = 1e-5;
/** Time of the data; that of the base is 0. */
export const end = 10;
export const learningRate = 1e-3;

export const field = planarField({ dimension: 2, width, hyperWidth });

/** What is handed to the peers as JSON, and used here. */
export interface CnfProblem {
  /** Layers of the hypernetwork: weight [inputs][outputs] and bias [outputs]. */
  readonly layers: readonly { readonly weight: number[][]; readonly bias: number[] }[];
  /** [512][2]. */
  readonly x: number[][];
  readonly tolerance: number;
  readonly end: number;
  readonly learningRate: number;
  readonly warmup: number;
  readonly iterations: number;
  /** One batch for all iterations. */
  readonly batches: readonly number[];
}

/** Makes the problem on the reference backend in float64, whatever is measured afterwards. */
export async function cnfProblem(
  seed: number,
  warmup: number,
  iterations: number,
): Promise<CnfProblem> {
  await setBackend(reference());
  const params: PlanarFieldParams = field.init(random(seed));
  const layers = params.map(({ weight, bias }) => ({
    weight: weight.arraySync() as number[][],
    bias: bias!.arraySync() as number[],
  }));
  const x = toyData('moons', batch, random(seed + 1)).arraySync() as number[][];
  return { layers, x, tolerance, end, learningRate, warmup, iterations, batches: [0] };
}
