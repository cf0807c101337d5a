/** Primitives of one operand, number to number. */
import type { DType } from '../dtype.ts';
import type { Primitive } from '../primitive.ts';
import {
  abs,
  cos,
  elu,
  exp,
  expm1,
  floor,
  log,
  log1p,
  neg,
  sigmoid,
  sign,
  sin,
  sqrt,
  tanh,
} from '../primitives/index.ts';
import type { KernelCase } from './kernel-check.ts';
import { literal, uniform } from './samples.ts';
import {
  composed,
  crossingZero,
  divided,
  exact,
  type Tolerance,
  transcendental,
} from './tolerance.ts';

const floats: readonly DType[] = ['float64', 'float32'];
const numbers: readonly DType[] = [...floats, 'int32'];

/** Dtypes, the range to draw from, and the ends of the domain and where overflow and saturation begin. */
type Row = readonly [
  primitive: Primitive,
  dtypes: readonly DType[],
  low: number,
  high: number,
  tolerance: Tolerance,
  edges: readonly number[],
];

const inf = Number.POSITIVE_INFINITY;

const rows: readonly Row[] = [
  [neg, numbers, -10, 10, exact, [0, -0, 1e38, -1e38]],
  [abs, numbers, -10, 10, exact, [0, -0, 1e38, -1e38]],
  [sign, numbers, -2, 2, exact, [0, -0, 1e-30, -1e-30, 1e38, -1e38]],
  [floor, floats, -5, 5, exact, [0, 0.5, -0.5, 1.5, -1.5, 3, -3, 1e-10, -1e-10, 1e10, -1e10]],
  [exp, floats, -5, 5, transcendental, [0, 87, -87, 89, -104, 709, 710, -746]],
  [expm1, floats, -5, 5, composed, [0, 87, 89, -20, -100, 709, 710]],
  [log, floats, 0.01, 20, crossingZero, [0, -0, 1, -1, 1e-37, 1e38]],
  [log1p, floats, -0.9, 20, composed, [0, -1, -2, 1e38]],
  [sqrt, floats, 0, 20, divided, [0, 1, 4, -1, 1e-37, 1e38]],
  [sin, floats, -7, 7, crossingZero, [0, 100, -100]],
  [cos, floats, -7, 7, crossingZero, [0, 100, -100]],
  [tanh, floats, -4, 4, composed, [0, 9, -9, 20, -20, 100, -100, 1e4, -1e4]],
  [sigmoid, floats, -6, 6, composed, [0, 20, -20, 80, -80, 89, -89, 1000, -1000]],
  [elu, floats, -4, 4, composed, [0, 20, -20, 89, -89, 1000, -1000, 1e38]],
];

const shapes: Readonly<Record<string, readonly number[]>> = {
  scalar: [],
  vector: [7],
  matrix: [3, 5],
  'rank 3': [2, 3, 4],
  'rank 4': [2, 3, 2, 2],
  'a thousand elements': [1000],
  'no elements': [2, 0, 3],
};

const special: Readonly<Record<string, (edges: readonly number[]) => readonly number[]>> = {
  'edges of the domain': (edges) => edges,
  infinities: () => [inf, -inf],
  'not a number': () => [Number.NaN, 0.5, Number.NaN],
};

function unaryCases([primitive, dtypes, low, high, tolerance, edges]: Row): KernelCase[] {
  const drawn = Object.entries(shapes).map(([title, shape]) => {
    return { primitive, title, dtypes, tolerance, inputs: [uniform(shape, low, high)] };
  });
  const given = Object.entries(special).map(([title, values]) => {
    return { primitive, title, dtypes: floats, tolerance, inputs: [literal(values(edges))] };
  });
  return [...drawn, ...given];
}

const small = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12, 1e-20].flatMap((x) => [x, -x]);

/** Where the result is as small as the argument, its relative error counts. */
const nearZero: readonly Primitive[] = [elu, expm1, log1p, sin, tanh];

const least = -2147483648;

export const elementwiseCases: readonly KernelCase[] = [
  ...rows.flatMap(unaryCases),
  ...nearZero.map((primitive): KernelCase => {
    return {
      primitive,
      title: 'near zero',
      dtypes: floats,
      tolerance: composed,
      inputs: [literal(small)],
    };
  }),
  {
    primitive: log,
    title: 'near one',
    dtypes: floats,
    tolerance: transcendental,
    inputs: [literal(small.map((x) => 1 + x))],
  },
  // the negative of the least int32 is itself
  {
    primitive: neg,
    title: 'wraps around',
    dtypes: ['int32'],
    inputs: [literal([least, 2147483647, 0])],
  },
  {
    primitive: abs,
    title: 'wraps around',
    dtypes: ['int32'],
    inputs: [literal([least, 2147483647, 0])],
  },
  {
    primitive: sign,
    title: 'extremes',
    dtypes: ['int32'],
    inputs: [literal([least, 2147483647, 0])],
  },
];
