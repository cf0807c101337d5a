/** What a user of plain JavaScript may get wrong, at both doors: one sentence says what, and the remedy. */
import { reference } from '@neuralode/backend-reference';
import { dopri5, FieldError, odeint, rk4, solveIvp } from '@neuralode/solvers';
import { ArgumentError, setBackend, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

type Call = (field: unknown, y0: unknown, ts: unknown, options?: unknown) => unknown;

beforeAll(async () => {
  await setBackend(reference());
});

const turn = (_: number, [x, v]: Float64Array): number[] => [v, -x];
const onNumbers = solveIvp as unknown as Call;
const doors: readonly (readonly [
  string,
  (ts: unknown, options?: unknown, field?: unknown) => unknown,
])[] = [
  ['solveIvp', (ts, options, field = turn) => onNumbers(field, [1, 0], ts, options)],
  [
    'odeint',
    (ts, options, field = (_: unknown, y: { neg(): unknown }) => y.neg()) =>
      (odeint.sync as unknown as Call)(field, tensor([1, 0]), ts, options),
  ],
];

function refusal(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was refused');
}

describe.each(doors)('%s', (who, solve) => {
  const listed = `${who}: the times must be a list of numbers; got `;
  const finite = 'Pass finite numbers; to run until something happens use a terminal event.';
  const remedy = 'Pass [start, end], or all times of interest.';
  it.each([
    [undefined, `${listed}undefined. ${remedy}`],
    [5, `${listed}5. ${remedy}`],
    ['01', `${listed}'01'. ${remedy}`],
    [{}, `${listed}{}. ${remedy}`],
    [['0', '1'], `${who}: time 0 is not a finite number; got '0'. ${finite}`],
    [[0, null], `${who}: time 1 is not a finite number; got null. ${finite}`],
    [[0n, 1n], `${who}: time 0 is not a finite number; got 0n. ${finite}`],
  ])('times %o', (ts, message) => {
    const error = refusal(() => solve(ts));
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toBe(message);
  });

  const notMethod = `${who}: solver is not a method; got `;
  const make = 'Import a method and pass what it makes: { solver: dopri5() }.';
  it.each([
    [{ solver: dopri5 }, `${notMethod}the function dopri5. ${make}`],
    [{ solver: 'dopri5' }, `${notMethod}'dopri5'. ${make}`],
    [{ solver: {} }, `${notMethod}{}. ${make}`],
    [
      null,
      `${who}: the options must be an object; got null. Pass such as { rtol: 1e-8 }, or leave them out.`,
    ],
    [
      'RK45',
      `${who}: the options must be an object; got 'RK45'. Pass such as { rtol: 1e-8 }, or leave them out.`,
    ],
    [{ tol: 1e-3 }, `${who}: there is no option tol. Did you mean rtol?`],
    [
      { solver: rk4(), stepSize: Number.POSITIVE_INFINITY },
      `${who}: stepSize must be finite; got Infinity. For one step pass the whole span.`,
    ],
    [
      { solver: rk4(), stepSize: 0.1, rtol: 1e-3 },
      `${who}: rk4 takes fixed steps and has no use for rtol. Pass stepSize, or an adaptive solver such as dopri5().`,
    ],
  ])('options %o', (options, message) => {
    const error = refusal(() => solve([0, 1], options));
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toBe(message);
  });

  it('a field that is none', () => {
    expect(refusal(() => solve([0, 1], {}, 'y')).message).toBe(
      `${who}: the field must be a function; got 'y'. Pass (t, y) => dy/dt, then y0 and the times.`,
    );
  });
});

describe('solveIvp', () => {
  it('notices a field that forgets to return', () => {
    const forgetful = (_: number, [x, v]: Float64Array): void => {
      [v, -x];
    };
    const error = refusal(() => onNumbers(forgetful, [1, 0], [0, 1]));
    expect(error).toBeInstanceOf(FieldError);
    expect(error.message).toBe(
      "solveIvp: the field's value does not fit the state; got nothing; expected a list of 2 numbers. Return dy/dt, as long as y, or write it into the third argument.",
    );
  });

  it.each([
    ['strings', ['1', '2'], "['1', '2']"],
    ['a string', '12', "'12'"],
    [
      'a matrix',
      [
        [1, 2],
        [3, 4],
      ],
      '[[1, 2], [3, 4]]',
    ],
    ['a hole', [undefined, 1], '[undefined, 1]'],
  ])('notices a field that returns %s', (_, value, got) => {
    expect(refusal(() => onNumbers(() => value, [1, 0], [0, 1])).message).toBe(
      `solveIvp: the field's value does not fit the state; got ${got}; expected a list of 2 numbers. Return dy/dt, as long as y, or write it into the third argument.`,
    );
  });

  it('notices a field that returns nothing from some time on', () => {
    const tiring = (t: number): number[] | undefined => (t < 0.5 ? [1, 1] : undefined);
    expect(refusal(() => onNumbers(tiring, [1, 0], [0, 1])).message).toMatch(
      /^solveIvp: the field's value does not fit the state; got nothing; expected a list of 2 numbers\./,
    );
  });

  it('notices a component that is not written', () => {
    const partial = (_: number, y: Float64Array, dy: Float64Array): void => {
      dy[0] = y[1];
    };
    expect(refusal(() => onNumbers(partial, [1, 0], [0, 1])).message).toMatch(
      /^solveIvp: the field is not finite at t = 0\./,
    );
  });

  it.each([
    [new Int32Array([1, 0]), 'Int32Array'],
    [{ x: 1 }, '{"x":1}'],
    [[1n, 0n], '[1n, 0n]'],
    [[], '[]'],
  ])('refuses %o as a state', (y0, got) => {
    expect(refusal(() => onNumbers(turn, y0, [0, 1])).message).toBe(
      `solveIvp: y0 must be a number or a list of numbers; got ${got}. Pass an array or a Float64Array; a tree of tensors is for odeint.`,
    );
  });

  it.each(['0.5', undefined])('at(%o) is refused', (time) => {
    const { at } = solveIvp(turn, [1, 0], [0, 1], { dense: true });
    const evaluate = at as (time: unknown) => unknown;
    expect(refusal(() => evaluate(time)).message).toMatch(
      /^solveIvp, at: a time must be a number; got ('0\.5'|undefined)\. Pass one, or a list of them\.$/,
    );
  });
});
