/** Properties that hold for every problem, by fast-check. */
import { reference } from '@neuralode/backend-reference';
import { dop853, type Field, type OdeintOptions, odeint, rk4 } from '@neuralode/solvers';
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

const runs = { numRuns: 15 };
const methods: readonly (readonly [string, OdeintOptions<undefined>])[] = [
  ['dopri5', { rtol: 1e-10, atol: 1e-10 }],
  ['dop853', { solver: dop853(), rtol: 1e-10, atol: 1e-10 }],
  ['rk4', { solver: rk4(), stepSize: 1 / 256 }],
];

describe.each(methods)('%s', (_, options) => {
  it('a linear field is the matrix exponential', () => {
    const entry = between(-1.5, 1.5);
    const row = fc.tuple(entry, entry, entry);
    fc.assert(
      fc.property(fc.tuple(row, row, row), row, between(-1, 1), (a, y0, end) => {
        fc.pre(Math.abs(end) > 1e-3);
        const matrix = tensor(a.map((each) => [...each]));
        const field: Field<Tensor> = (_t, y) => matrix.matMul(y.reshape([3, 1])).reshape([3]);
        const { rows } = solve(field, y0, [0, end], options);
        const exponential = matrixExponential(a.map((each) => each.map((value) => value * end)));
        expect(largestDifference([rows[1]], [productWith(exponential, y0)])).toBeLessThan(1e-7);
      }),
      runs,
    );
  });

  const start = fc.tuple(between(0.5, 6), between(0.5, 6));

  it('reversing a solve returns to the start', () => {
    fc.assert(
      fc.property(start, between(0.1, 2), (y0, end) => {
        const there = solve(lotkaVolterra, y0, [0, end], options).rows[1];
        const back = solve(lotkaVolterra, there, [end, 0], options).rows[1];
        expect(largestDifference([back], [y0])).toBeLessThan(2e-6);
      }),
      runs,
    );
  });

  it('a solve in two parts is the whole', () => {
    fc.assert(
      fc.property(start, between(0.01, 1.99), (y0, cut) => {
        const whole = solve(lotkaVolterra, y0, [0, cut, 2], options).rows;
        const first = solve(lotkaVolterra, y0, [0, cut], options).rows[1];
        const second = solve(lotkaVolterra, first, [cut, 2], options).rows[1];
        expect(largestDifference([first, second], whole.slice(1))).toBeLessThan(1e-6);
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
        const rows = solve(lotkaVolterra, y0, few, options).rows;
        const all = solve(lotkaVolterra, y0, many, options).rows;
        // to the last bit
        expect(rows).toEqual(few.map((time) => all[many.indexOf(time)]));
      }),
      runs,
    );
  });

  it('scaling time scales the field', () => {
    fc.assert(
      fc.property(start, between(0.01, 100), (y0, scale) => {
        const slow: Field<Tensor> = (t, y) => lotkaVolterra(t, y, undefined).mul(1 / scale);
        const scaled =
          options.stepSize === undefined ? options : { ...options, stepSize: scale / 256 };
        const { rows } = solve(slow, y0, [0, scale], scaled as OdeintOptions<undefined>);
        const plain = solve(lotkaVolterra, y0, [0, 1], options).rows;
        expect(largestDifference(rows, plain)).toBeLessThan(1e-7);
      }),
      runs,
    );
  });
});

describe('trees', () => {
  it('are solved as the vector of their leaves is, whatever their shape', async () => {
    interface State {
      readonly prey: Tensor;
      readonly others: readonly [{ readonly predators: Tensor }];
    }
    const field: Field<State> = (_, { prey, others: [{ predators }] }) => {
      const eaten = prey.mul(predators.reshape([]));
      const rate = eaten.reshape([1, 1]).sub(predators.mul(3));
      return { others: [{ predators: rate }], prey: prey.mul(1.5).sub(eaten) };
    };
    const y0: State = { prey: tensor(10), others: [{ predators: tensor([[5]]) }] };
    const times = [0, 0.5, 2];
    const { ys, stats } = await odeint(field, y0, times);
    expect(ys.prey.shape).toEqual([3]);
    expect(ys.others[0].predators.shape).toEqual([3, 1, 1]);
    const plain = solve(lotkaVolterra, [10, 5], times);
    expect(stats).toEqual(plain.stats);
    const prey = (await ys.prey.array()) as number[];
    const predators = await ys.others[0].predators.data();
    const rows = prey.map((value, i) => [value, predators[i]]);
    expect(largestDifference(rows, plain.rows)).toBeLessThan(1e-12);
  });

  it('may hold leaves of no elements, and a batch', async () => {
    const field: Field<{ a: Tensor; none: Tensor }> = (_, { a, none }) => ({ a: a.neg(), none });
    const a = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const { ys } = await odeint(field, { a, none: tensor(new Float64Array(0)) }, [0, 1]);
    expect(ys.none.shape).toEqual([2, 0]);
    const [, end] = (await ys.a.array()) as number[][][];
    end.flat().forEach((value, i) => {
      expect(value).toBeCloseTo((i + 1) * Math.exp(-1), 4);
    });
  });

  it('args reach the field, tensors and the rest; captures work too', async () => {
    const outside = tensor([2]);
    const args = { rate: tensor([3]), settings: { sign: -1, name: 'x' } };
    const field: Field<Tensor, typeof args> = (_, y, { rate, settings }) =>
      y.mul(rate).mul(outside).mul(settings.sign);
    const { ys } = await odeint(field, tensor([1]), [0, 0.5], { args });
    expect(((await ys.array()) as number[][])[1][0]).toBeCloseTo(Math.exp(-3), 5);
  });
});
