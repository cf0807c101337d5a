/** Comparisons and logic. */
import type { DType } from '../dtype.ts';
import { equal, less, lessEqual, logicalAnd, logicalNot, logicalOr } from '../primitives/index.ts';
import type { KernelCase } from './kernel-check.ts';
import { integers, literal, shapesIn } from './samples.ts';
import { pairShapes } from './pair-cases.ts';

const floats: readonly DType[] = ['float64', 'float32'];
const all: readonly DType[] = [...floats, 'int32', 'bool'];
const needs: readonly DType[] = ['bool'];

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;
const top = 2147483647;

const comparisons = [equal, less, lessEqual].flatMap((primitive): KernelCase[] => [
  // few whole numbers, so that many pairs are equal
  ...Object.entries(pairShapes).map(([title, shapes]): KernelCase => {
    const [a, b] = shapesIn(shapes);
    return {
      primitive,
      title,
      dtypes: all,
      needs,
      inputs: [integers(a, -2, 2), integers(b, -2, 2)],
    };
  }),
  {
    primitive,
    title: 'zeros and infinities',
    dtypes: floats,
    needs,
    inputs: [literal([0, -0, inf, -inf, inf, 1]), literal([-0, 0, inf, inf, -inf, inf])],
  },
  {
    primitive,
    title: 'not a number',
    dtypes: floats,
    needs,
    inputs: [literal([nan, 1, nan, inf]), literal([nan, nan, 1, nan])],
  },
  {
    primitive,
    title: 'neighbours',
    dtypes: ['int32'],
    needs,
    // equal once rounded to float32
    inputs: [
      literal([16777216, 16777217, top, -top]),
      literal([16777217, 16777216, top - 1, -top]),
    ],
  },
]);

const logic = [logicalAnd, logicalOr].flatMap((primitive): KernelCase[] => [
  ...Object.entries(pairShapes).map(([title, shapes]): KernelCase => {
    const [a, b] = shapesIn(shapes);
    return { primitive, title, dtypes: ['bool'], inputs: [integers(a, 0, 1), integers(b, 0, 1)] };
  }),
  {
    primitive,
    title: 'truth table',
    dtypes: ['bool'],
    inputs: [literal([0, 0, 1, 1]), literal([0, 1, 0, 1])],
  },
]);

const shapes: Readonly<Record<string, readonly number[]>> = {
  scalar: [],
  vector: [9],
  'rank 3': [2, 3, 4],
  'no elements': [0, 4],
};

const negation = Object.entries(shapes).map(([title, shape]): KernelCase => {
  return { primitive: logicalNot, title, dtypes: ['bool'], inputs: [integers(shape, 0, 1)] };
});

export const logicCases: readonly KernelCase[] = [...comparisons, ...logic, ...negation];
