/** Primitives of two operands, number to number, that broadcast; and `where`, of three. */
import type { DType } from '../dtype.ts';
import type { Primitive } from '../primitive.ts';
import { add, div, maximum, minimum, mul, pow, sub, where } from '../primitives/index.ts';
import type { KernelCase } from './kernel-check.ts';
import { condition, largest, literal, type Sample, shapesIn, uniform } from './samples.ts';
import { divided, exact, powered, rounded, type Tolerance } from './tolerance.ts';

const floats: readonly DType[] = ['float64', 'float32'];
const numbers: readonly DType[] = [...floats, 'int32'];
const all: readonly DType[] = [...numbers, 'bool'];

/** Pairs of shapes that broadcast. */
export const pairShapes: Readonly<Record<string, string>> = {
  scalars: 'scalar, scalar',
  vectors: '5, 5',
  matrices: '3×4, 3×4',
  'rank 4': '2×3×2×2, 2×3×2×2',
  'scalar and matrix': 'scalar, 3×4',
  'matrix and scalar': '3×4, scalar',
  'one element and matrix': '1×1×1, 3×4',
  'matrix and row': '3×4, 4',
  'row and matrix': '4, 3×4',
  'matrix and column': '3×4, 3×1',
  'column and row': '3×1, 1×4',
  'rank 3 and column': '2×3×4, 3×1',
  'rank 3 both ways': '2×1×4, 1×3×1',
  'rank 4 and rank 2': '2×3×2×4, 2×1',
  'batch and bias': '128×257, 257',
  'no elements': '2×0×3, 2×0×3',
  'no elements and one': '0, 1',
  'no elements and row': '2×0×3, 3',
};

interface Row {
  readonly primitive: Primitive;
  readonly dtypes: readonly DType[];
  readonly left: readonly [low: number, high: number];
  readonly right: readonly [low: number, high: number];
  readonly tolerance: Tolerance;
}

const rows: readonly Row[] = [
  { primitive: add, dtypes: numbers, left: [-9, 9], right: [-9, 9], tolerance: rounded },
  { primitive: sub, dtypes: numbers, left: [-9, 9], right: [-9, 9], tolerance: rounded },
  { primitive: mul, dtypes: numbers, left: [-9, 9], right: [-9, 9], tolerance: rounded },
  { primitive: div, dtypes: floats, left: [-9, 9], right: [0.1, 9], tolerance: divided },
  { primitive: pow, dtypes: floats, left: [0.1, 4], right: [-3, 3], tolerance: powered },
  { primitive: maximum, dtypes: numbers, left: [-9, 9], right: [-9, 9], tolerance: exact },
  { primitive: minimum, dtypes: numbers, left: [-9, 9], right: [-9, 9], tolerance: exact },
];

const drawn = rows.flatMap(({ primitive, dtypes, left, right, tolerance }) =>
  Object.entries(pairShapes).map(([title, shapes]): KernelCase => {
    const [a, b] = shapesIn(shapes);
    const inputs = [uniform(a, ...left), uniform(b, ...right)];
    return { primitive, title, dtypes, tolerance, inputs };
  }),
);

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;

/** Pairs of numbers: the one above the other. */
function pairs(
  primitive: Primitive,
  title: string,
  dtypes: readonly DType[],
  a: readonly number[],
  b: readonly number[],
  tolerance?: Tolerance,
): KernelCase {
  return { primitive, title, dtypes, inputs: [literal(a), literal(b)], tolerance };
}

const top = 2147483647;
const least = -2147483648;
const large: Sample = { shape: [2], values: (_, dtype) => [largest(dtype), -largest(dtype)] };

const given: readonly KernelCase[] = [
  pairs(add, 'infinities', floats, [inf, inf, -inf, 1], [1, -inf, -inf, -inf]),
  pairs(sub, 'infinities', floats, [inf, inf, -inf, 1], [1, inf, inf, inf]),
  pairs(mul, 'infinities', floats, [inf, inf, -inf, -2], [2, 0, inf, inf]),
  pairs(
    div,
    'zeros and infinities',
    floats,
    [1, -1, 0, inf, 1, inf],
    [0, 0, 0, inf, inf, 2],
    divided,
  ),
  ...[add, sub, mul, div, pow, maximum, minimum].map((primitive) =>
    pairs(primitive, 'not a number', floats, [nan, 2, nan, 3], [2, nan, nan, 2], powered),
  ),
  pairs(
    maximum,
    'infinities',
    floats,
    [inf, -inf, 1, -inf, inf, nan],
    [1, 1, -inf, -inf, nan, -inf],
  ),
  pairs(minimum, 'infinities', floats, [inf, -inf, 1, inf, inf, nan], [1, 1, -inf, inf, nan, -inf]),
  pairs(
    pow,
    'small whole exponents',
    floats,
    [-2, -2, -3, 0, 5, 7, 0],
    [3, 2, -1, 2, 1, 0, 0],
    powered,
  ),
  pairs(
    pow,
    'outside the domain',
    floats,
    [-8, 0, -2, inf, inf, 2, 0.5, 2],
    [1 / 3, -1, 0.5, 2, -1, inf, inf, -inf],
    powered,
  ),
  pairs(
    pow,
    'a power that IEEE 754 says is one',
    floats,
    [1, nan, 1, -1, -1, inf],
    [nan, 0, inf, inf, -inf, 0],
    powered,
  ),
  ...[add, sub, mul].map((primitive): KernelCase => {
    return { primitive, title: 'overflow', dtypes: floats, inputs: [large, large] };
  }),
  pairs(add, 'wraps around', ['int32'], [top, least, top], [1, -1, top]),
  pairs(sub, 'wraps around', ['int32'], [least, top, 0], [1, -1, least]),
  pairs(
    mul,
    'wraps around',
    ['int32'],
    [65536, 123456789, top, least],
    [65536, 987654321, top, -1],
  ),
  pairs(maximum, 'extremes', ['int32'], [top, least, top], [least, top, top - 1]),
  pairs(minimum, 'extremes', ['int32'], [top, least, top], [least, top, top - 1]),
];

const threeShapes: Readonly<Record<string, string>> = {
  scalars: 'scalar, scalar, scalar',
  vectors: '6, 6, 6',
  matrices: '3×4, 3×4, 3×4',
  'rank 4': '2×3×2×2, 2×3×2×2, 2×3×2×2',
  'condition broadcasts': '3×1, 3×4, 3×4',
  'scalar condition': 'scalar, 3×4, 3×4',
  'choices broadcast': '3×4, scalar, 4',
  'all broadcast': '2×1×1, 3×1, 4',
  large: '128×257, 128×257, scalar',
  'no elements': '2×0, 2×0, 1',
};

const whereCases: readonly KernelCase[] = [
  ...Object.entries(threeShapes).map(([title, shapes]): KernelCase => {
    const [c, a, b] = shapesIn(shapes);
    const inputs = [condition(c), uniform(a, -9, 9), uniform(b, -9, 9)];
    return { primitive: where, title, dtypes: all, needs: ['bool'], inputs };
  }),
  {
    // a product with 0 and 1 would let NaN through
    primitive: where,
    title: 'what is not chosen leaves no trace',
    dtypes: floats,
    needs: ['bool'],
    inputs: [
      { ...literal([1, 0, 1, 0, 1, 0]), dtype: 'bool' },
      literal([1, nan, 2, inf, nan, -inf]),
      literal([nan, 3, -inf, 4, 5, nan]),
    ],
  },
];

export const pairCases: readonly KernelCase[] = [...drawn, ...given, ...whereCases];
