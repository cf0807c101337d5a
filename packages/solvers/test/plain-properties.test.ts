/** Properties of solves on plain numbers, and of implicit, multistep and switching ones, that hold for every problem, by fast-check. */
import { reference } from '@neuralode/backend-reference';
import {
  adams,
  type AdaptiveSolver,
  auto,
  bdf,
  bosh3,
  dop853,
  dopri5,
  gmres,
  kvaerno5,
  radau5,
  rodas4,
  solveIvp,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { matrixExponential, productWith } from './matrix-exponential.ts';
import { largestDifference, lotkaVolterra, solve } from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const between = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true });

type Matrix = readonly (readonly number[])[];
type Rows = readonly (readonly number[])[];

/** Solves dy/dt = A y, and the equations of predators and prey. */
interface Door {
  linear(a: Matrix, y0: readonly number[], times: readonly number[]): Rows;
  prey(y0: readonly number[], times: readonly number[]): Rows;
}

function plain(solver: AdaptiveSolver, tolerance: number): Door {
  const options = { solver, rtol: tolerance, atol: tolerance };
  return {
    linear: (a, y0, times) =>
      solveIvp((_, y) => productWith(a, Array.from(y)), [...y0], times, options).ys,
    prey: (y0, times) =>
      solveIvp(
        (_, [prey, predators]) => [1.5 * prey - prey * predators, prey * predators - 3 * predators],
        [...y0],
        times,
        options,
      ).ys,
  };
}

function onTensors(solver: AdaptiveSolver, tolerance: number): Door {
  const options = { solver, rtol: tolerance, atol: tolerance };
  return {
    linear: (a, y0, times) => {
      const matrix = tensor(a.map((row) => [...row]));
      const field = (_: Tensor, y: Tensor): Tensor => matrix.matMul(y.reshape([3, 1])).reshape([3]);
      return solve(field, y0, times, options).rows;
    },
    prey: (y0, times) => solve(lotkaVolterra, y0, times, options).rows,
  };
}

/** A method, its tolerance, and how many runs a property gets. */
const doors: readonly (readonly [string, Door, number, number])[] = [
  ['bosh3 on numbers', plain(bosh3(), 1e-8), 1e-8, 25],
  ['dopri5 on numbers', plain(dopri5(), 1e-10), 1e-10, 50],
  ['tsit5 on numbers', plain(tsit5(), 1e-10), 1e-10, 50],
  ['vern7 on numbers', plain(vern7(), 1e-10), 1e-10, 50],
  ['dop853 on numbers', plain(dop853(), 1e-10), 1e-10, 50],
  ['radau5', onTensors(radau5(), 1e-8), 1e-8, 4],
  ['kvaerno5', onTensors(kvaerno5(), 1e-8), 1e-8, 4],
  ['rodas4', onTensors(rodas4(), 1e-7), 1e-7, 4],
  ['radau5 by GMRES', onTensors(radau5({ linearSolver: gmres() }), 1e-8), 1e-8, 4],
  ['adams', onTensors(adams(), 1e-9), 1e-9, 4],
  ['bdf', onTensors(bdf(), 1e-8), 1e-8, 4],
  ['auto', onTensors(auto(), 1e-9), 1e-9, 4],
];

describe.each(doors)('%s', (_, door, tolerance, numRuns) => {
  const start = fc.tuple(between(0.5, 6), between(0.5, 6));
  const runs = { numRuns };
  // the spans are short: errors grow by less than 100 in them, and there are some ten to a thousand steps
  const within = 2e4 * tolerance;

  it('a linear field is the matrix exponential', () => {
    const entry = between(-1.5, 1.5);
    const row = fc.tuple(entry, entry, entry);
    fc.assert(
      fc.property(fc.tuple(row, row, row), row, between(-1, 1), (a, y0, end) => {
        fc.pre(Math.abs(end) > 1e-3);
        const exponential = matrixExponential(a.map((each) => each.map((value) => value * end)));
        const solved = door.linear(a, y0, [0, end])[1];
        expect(largestDifference([solved], [productWith(exponential, y0)])).toBeLessThan(within);
      }),
      runs,
    );
  });

  it('reversing a solve returns to the start', () => {
    fc.assert(
      fc.property(start, between(0.1, 2), (y0, end) => {
        const there = door.prey(y0, [0, end])[1];
        expect(largestDifference([door.prey(there, [end, 0])[1]], [y0])).toBeLessThan(within);
      }),
      runs,
    );
  });

  it('a solve in two parts is the whole', () => {
    fc.assert(
      fc.property(start, between(0.01, 1.99), (y0, cut) => {
        const whole = door.prey(y0, [0, 2])[1];
        const first = door.prey(y0, [0, cut])[1];
        expect(largestDifference([door.prey(first, [cut, 2])[1]], [whole])).toBeLessThan(within);
      }),
      runs,
    );
  });

  it('what is observed at a time does not depend on what else is', () => {
    const some = fc.uniqueArray(between(0.001, 1.999), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(start, some, some, fc.boolean(), (y0, kept, others, backward) => {
        const sorted = (times: readonly number[]): number[] => {
          const ascending = [0, ...new Set(times), 2].sort((a, b) => a - b);
          return backward ? ascending.reverse() : ascending;
        };
        const few = sorted(kept);
        const many = sorted([...kept, ...others]);
        const all = door.prey(y0, many);
        // to the last bit
        expect(door.prey(y0, few)).toEqual(few.map((time) => all[many.indexOf(time)]));
      }),
      runs,
    );
  });
});
