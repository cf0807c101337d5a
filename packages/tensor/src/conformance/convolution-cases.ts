/** Convolutions and their two derivatives: windows, strides, paddings and dilations as networks have them, and odd ones. */
import type { DType } from '../dtype.ts';
import {
  type ConvolutionAttrs,
  conv2d,
  conv2dFilter,
  conv2dInput,
  type PerAxis,
} from '../primitives/index.ts';
import { sizeOf } from '../shape.ts';
import type { KernelCase } from './kernel-check.ts';
import { literal, shapesIn, uniform } from './samples.ts';
import { accumulated } from './tolerance.ts';

const floats: readonly DType[] = ['float64', 'float32'];

type Padding = ConvolutionAttrs['padding'];

interface Moves {
  readonly strides?: PerAxis<number>;
  readonly padding?: Padding;
  readonly dilations?: PerAxis<number>;
}

const around = (zeros: number): Padding => [
  [zeros, zeros],
  [zeros, zeros],
];

/** Pictures [N, H, W, C] and filters [window rows, window columns, C, K]. */
const convolutions: Readonly<Record<string, readonly [shapes: string, moves?: Moves]>> = {
  'one pixel': ['1×1×1×1, 1×1×1×1'],
  'one window': ['1×3×3×2, 3×3×2×3'],
  'a window of one pixel': ['2×4×5×3, 1×1×3×6'],
  'a window of one pixel, strided': ['2×5×6×3, 1×1×3×4', { strides: [2, 3] }],
  'no padding': ['2×6×7×3, 3×3×3×4'],
  'padded to the same size': ['3×7×7×8, 3×3×8×8', { padding: around(1) }],
  'a channel more than fits vectors': ['2×7×7×9, 3×3×9×8', { padding: around(1) }],
  'one channel to many': ['2×8×8×1, 3×3×1×20'],
  'many channels to one': ['2×5×5×17, 3×3×17×1', { padding: around(1) }],
  'halved by a window of four': ['2×8×8×4, 4×4×4×5', { strides: [2, 2], padding: around(1) }],
  'a window that is not square': [
    '2×6×9×2, 2×5×2×3',
    {
      padding: [
        [1, 0],
        [2, 2],
      ],
    },
  ],
  'padding on two sides only': [
    '1×6×6×2, 3×3×2×2',
    {
      padding: [
        [0, 1],
        [2, 0],
      ],
      strides: [2, 2],
    },
  ],
  'strides that differ': ['2×9×10×2, 3×3×2×3', { strides: [3, 2] }],
  'strides larger than the window': ['1×11×11×2, 2×2×2×2', { strides: [4, 5] }],
  'pixels that no window meets': ['1×8×9×2, 3×3×2×2', { strides: [3, 4] }],
  'a dilated window': ['1×9×9×2, 3×3×2×3', { dilations: [2, 2] }],
  'dilations that differ': [
    '2×9×8×2, 3×2×2×3',
    {
      dilations: [2, 3],
      padding: [
        [2, 1],
        [0, 3],
      ],
    },
  ],
  'strided and dilated': [
    '2×9×10×2, 3×3×2×3',
    { strides: [2, 2], dilations: [2, 1], padding: around(2) },
  ],
  'more padding than window': ['1×3×4×2, 2×2×2×3', { padding: around(3) }],
  'a window larger than the picture': ['1×2×3×2, 5×5×2×2', { padding: around(2) }],
  'a window as large as the picture': ['4×7×6×3, 7×6×3×5'],
  'more filters than a vector holds': ['1×6×5×3, 3×3×3×37', { padding: around(1) }],
  'pictures of no batch': ['0×4×4×2, 3×3×2×3'],
  'pictures of no channels': ['2×4×4×0, 3×3×0×3'],
  'no filters': ['2×4×4×2, 3×3×2×0'],
};

const drawn = Object.entries(convolutions).flatMap(([title, [shapes, given = {}]]) => {
  const [x, w] = shapesIn(shapes);
  const attrs = { strides: [1, 1], padding: around(0), dilations: [1, 1], ...given } as const;
  const spec = (shape: readonly number[]) => ({ shape, dtype: 'float32' }) as const;
  const [{ shape: y }] = conv2d.infer([spec(x), spec(w)], attrs);
  const each = (
    primitive: KernelCase['primitive'],
    [a, b]: readonly (readonly number[])[],
    terms: number,
    more: object,
  ): KernelCase => ({
    primitive,
    title,
    dtypes: floats,
    tolerance: accumulated(terms),
    inputs: [uniform(a, -2, 2), uniform(b, -2, 2)],
    attrs: { ...attrs, ...more },
  });
  const [rows, columns, , outputs] = w;
  return [
    each(conv2d, [x, w], sizeOf(w.slice(0, 3)), {}),
    each(conv2dInput, [y, w], rows * columns * outputs, { picture: x.slice(1, 3) }),
    each(conv2dFilter, [x, y], sizeOf(y.slice(0, 3)), { window: w.slice(0, 2) }),
  ];
});

const nan = Number.NaN;
const inf = Number.POSITIVE_INFINITY;

export const convolutionCases: readonly KernelCase[] = [
  ...drawn,
  {
    // a kernel that skips zeros would lose it; one that multiplies padding by a filter would spread it
    primitive: conv2d,
    title: 'what is not finite, inside',
    dtypes: floats,
    tolerance: accumulated(4),
    inputs: [
      literal([0, nan, 2, 1, inf, 3, 1, 2, 4], [1, 3, 3, 1]),
      literal([1, 2, 3, 4], [2, 2, 1, 1]),
    ],
    attrs: { strides: [1, 1], padding: around(0), dilations: [1, 1] },
  },
];
