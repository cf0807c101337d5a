/** The toy distributions by the names that are typed, and the numbers of points of a run. */
import { type ToyDataName, toyData } from '@neuralode/cnf';
import { random, type Tensor } from '@neuralode/tensor';
import type { CnfDataName } from '../options.ts';

const distributions: Readonly<Record<CnfDataName, ToyDataName>> = {
  'two-moons': 'moons',
  'two-circles': 'circles',
  'eight-gaussians': 'eightGaussians',
  pinwheel: 'pinwheel',
  'two-spirals': 'twoSpirals',
  checkerboard: 'checkerboard',
  rings: 'rings',
  'swiss-roll': 'swissRoll',
};

/** Fresh points in each iteration. */
export const batchSize = 256;

/** Points held out. */
export const testCount = 4000;

/** Half the side of the square that is drawn. */
export const halfWidth = 4.5;

export function drawPoints(
  data: CnfDataName,
  count: number,
  rng: ReturnType<typeof random>,
): Tensor {
  return toyData(distributions[data], count, rng);
}

/** The points held out: from a stream of their own, whatever the seed. */
export function heldOut(data: CnfDataName, seed: number): Tensor {
  return drawPoints(data, testCount, random(-1 - seed));
}
