/** Matrix products: tiny, skinny, large, batched, empty. */
import type { DType } from '../dtype.ts';
import { matMul } from '../primitives/index.ts';
import type { KernelCase } from './kernel-check.ts';
import { literal, shapesIn, uniform } from './samples.ts';
import { accumulated } from './tolerance.ts';

const floats: readonly DType[] = ['float64', 'float32'];

const shapes: Readonly<Record<string, string>> = {
  'one by one': '1×1, 1×1',
  small: '2×3, 3×4',
  square: '17×17, 17×17',
  'row and column': '1×64, 64×1',
  'column and row': '64×1, 1×50',
  'tall and thin': '1000×3, 3×2',
  'batch of states through a layer': '20×2, 2×50',
  'one row through a layer': '1×128, 128×50',
  'matrix and column': '64×300, 300×1',
  large: '128×300, 300×96',
  'a long inner extent': '3×4096, 4096×5',
  batched: '3×2×4, 3×4×5',
  'two batch extents': '2×3×2×4, 2×3×4×5',
  'a batch and one matrix': '3×2×4, 4×5',
  'one matrix and a batch': '2×4, 3×4×5',
  'batch extent of one': '1×2×4, 3×4×5',
  'batches broadcast both ways': '2×1×2×3, 1×3×3×2',
  'batches of different rank': '2×2×2×3, 2×3×2',
  'no inner extent': '2×0, 0×3',
  'no rows': '0×4, 4×3',
  'no columns': '2×4, 4×0',
  'no batch': '0×2×4, 0×4×3',
  'batched, no inner extent': '2×2×0, 2×0×3',
};

const drawn = Object.entries(shapes).map(([title, pair]): KernelCase => {
  const [a, b] = shapesIn(pair);
  const tolerance = accumulated(b[b.length - 2]);
  const inputs = [uniform(a, -2, 2), uniform(b, -2, 2)];
  return { primitive: matMul, title, dtypes: floats, tolerance, inputs };
});

const nan = Number.NaN;
const inf = Number.POSITIVE_INFINITY;

export const matMulCases: readonly KernelCase[] = [
  ...drawn,
  {
    primitive: matMul,
    title: 'terms of one sign',
    dtypes: floats,
    tolerance: accumulated(500),
    inputs: [uniform([4, 500], 0, 1), uniform([500, 4], 0, 1)],
  },
  {
    primitive: matMul,
    title: 'infinities',
    dtypes: floats,
    tolerance: accumulated(2),
    inputs: [literal([inf, 1, 1, -inf], [2, 2]), literal([1, 2, 3, 4], [2, 2])],
  },
  {
    // a kernel that skips zeros would lose it
    primitive: matMul,
    title: 'zero times not a number',
    dtypes: floats,
    tolerance: accumulated(2),
    inputs: [literal([0, 1, 2, 0], [2, 2]), literal([nan, 1, 1, inf], [2, 2])],
  },
];
