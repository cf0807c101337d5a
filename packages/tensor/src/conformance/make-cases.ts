/** Tensors out of a number, out of another dtype, and out of weighted others. */
import type { DType } from '../dtype.ts';
import { cast, fill, linearCombination } from '../primitives/index.ts';
import type { KernelCase } from './kernel-check.ts';
import { largest, literal, uniform } from './samples.ts';
import { accumulated, exact } from './tolerance.ts';

type Shape = readonly number[];

const floats: readonly DType[] = ['float64', 'float32'];
const all: readonly DType[] = [...floats, 'int32', 'bool'];

const nan = Number.NaN;
const inf = Number.POSITIVE_INFINITY;

const fills: Readonly<
  Record<string, readonly [value: number, shape: Shape, dtypes: readonly DType[]]>
> = {
  scalar: [1, [], all],
  vector: [1, [5], all],
  'rank 3': [1, [2, 3, 4], all],
  zeros: [0, [3, 4], all],
  'no elements': [1, [2, 0], all],
  'a negative number': [-7, [3], [...floats, 'int32']],
  'a number that is rounded': [0.1, [2, 3], floats],
  'a large integer': [2147483647, [3], ['int32']],
  infinite: [-inf, [3], floats],
  'not a number': [nan, [3], floats],
};

const fillCases = Object.entries(fills).map(([title, [value, shape, dtypes]]): KernelCase => {
  return {
    primitive: fill,
    title,
    dtypes,
    inputs: [],
    attrsFor: (dtype) => ({ value, shape, dtype }),
  };
});

/** Fractions of both signs, halves, numbers that are large for a float32. */
const fractions = [
  0, -0, 0.4, 0.5, 0.9, 1.5, 2.5, -0.4, -0.5, -0.9, -1.5, -2.5, 1e-10, 16777217, -1e9,
];

const casts = all.flatMap((dtype): KernelCase[] => {
  const common = { primitive: cast, needs: [dtype], attrs: { dtype }, tolerance: exact };
  return [
    { ...common, title: `to ${dtype}`, dtypes: all, inputs: [uniform([3, 4], -9, 9)] },
    { ...common, title: `to ${dtype}, scalar`, dtypes: all, inputs: [uniform([], -9, 9)] },
    { ...common, title: `to ${dtype}, no elements`, dtypes: all, inputs: [uniform([0, 2], -9, 9)] },
    { ...common, title: `to ${dtype}, fractions`, dtypes: floats, inputs: [literal(fractions)] },
    {
      ...common,
      title: `to ${dtype}, large integers`,
      dtypes: ['int32'],
      inputs: [literal([2147483647, -2147483648, 16777217, -16777217])],
    },
  ];
});

const specialCasts = (['float64', 'float32', 'bool'] as const).map((dtype): KernelCase => {
  const title = `to ${dtype}, special values`;
  const inputs = [literal([nan, inf, -inf, 1e38, 1e-37])];
  return { primitive: cast, title, dtypes: floats, needs: [dtype], attrs: { dtype }, inputs };
});

const overflow: KernelCase = {
  primitive: cast,
  title: 'to float32, beyond its range',
  dtypes: ['float64'],
  needs: ['float32'],
  attrs: { dtype: 'float32' },
  inputs: [{ shape: [3], values: () => [1e39, -1e300, largest('float32')] }],
};

/** The last row of the tableau of Dormand and Prince (1980), with its zero. */
const dormandPrince = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84];

const combinations: Readonly<Record<string, readonly [shape: Shape, weights: readonly number[]]>> =
  {
    'one term': [[5], [2.5]],
    'two terms': [
      [3, 4],
      [1, 0.01],
    ],
    'a zero weight': [[6], [1, 0, -1]],
    'six stages': [[20, 2], dormandPrince],
    'nine terms': [[4], [1, -2, 3, -4, 5, -6, 7, -8, 9]],
    scalars: [[], [1, 0.5, 0.25]],
    'rank 3': [
      [2, 3, 4],
      [0.1, 0.2],
    ],
    large: [[128, 512], dormandPrince],
    'no elements': [
      [2, 0],
      [1, 2],
    ],
    'large and small weights': [[7], [1e6, 1e-6, -1e6]],
  };

const combinationCases = Object.entries(combinations).map(
  ([title, [shape, weights]]): KernelCase => {
    return {
      primitive: linearCombination,
      title,
      dtypes: floats,
      inputs: weights.map(() => uniform(shape, -3, 3)),
      attrs: { weights },
      absoluteAttrs: { weights: weights.map(Math.abs) },
      tolerance: accumulated(weights.length),
    };
  },
);

const specialCombination: KernelCase = {
  primitive: linearCombination,
  title: 'special values',
  dtypes: floats,
  inputs: [literal([nan, inf, -inf, inf]), literal([1, 1, 1, inf])],
  attrs: { weights: [2, -1] },
  absoluteAttrs: { weights: [2, 1] },
  tolerance: accumulated(2),
};

export const makeCases: readonly KernelCase[] = [
  ...fillCases,
  ...casts,
  ...specialCasts,
  overflow,
  ...combinationCases,
  specialCombination,
];
