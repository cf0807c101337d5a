/** What is refused at the door: each in one sentence that says what, got and the remedy; by the types where they can. */
import { reference } from '@neuralode/backend-reference';
import {
  dopri5,
  euler,
  FieldError,
  integralController,
  type OdeintOptions,
  odeint,
  rk4,
} from '@neuralode/solvers';
import {
  ArgumentError,
  concat,
  DTypeError,
  RecordingError,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { decay } from './problems.ts';

type Options = OdeintOptions<undefined>;
// biome-ignore lint/suspicious/noExplicitAny: what comes from JavaScript has no type
type Untyped = any;

beforeAll(async () => {
  await setBackend(reference());
});

async function refusal(run: () => unknown): Promise<Error> {
  try {
    await run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was refused');
}

async function expectRefusal(
  run: () => unknown,
  type: new (...args: never[]) => Error,
  message: string | RegExp,
): Promise<void> {
  const error = await refusal(run);
  expect(error).toBeInstanceOf(type);
  if (typeof message === 'string') expect(error.message).toBe(message);
  else expect(error.message).toMatch(message);
}

describe('times', () => {
  const atLeastTwo = 'odeint: a solve needs at least two times, the first being that of y0; got ';
  const finite = 'Pass finite numbers; to run until something happens use a terminal event.';
  const sort = 'Sort them, and leave out what is equal.';
  const monotonic = 'odeint: times must be strictly increasing or strictly decreasing; got ';
  it.each([
    [[], `${atLeastTwo}0. Pass [start, end], or all times of interest.`],
    [[1], `${atLeastTwo}1. Pass [start, end], or all times of interest.`],
    [[0, Number.NaN], `odeint: time 1 is not a finite number; got NaN. ${finite}`],
    [
      [0, 1, Number.POSITIVE_INFINITY],
      `odeint: time 2 is not a finite number; got Infinity. ${finite}`,
    ],
    [[0, 1, 1, 2], `${monotonic}1 before 1 at index 2. ${sort}`],
    [[2, 2], `${monotonic}2 before 2 at index 1. ${sort}`],
    [[0, 2, 1], `${monotonic}2 before 1 at index 2. ${sort}`],
    [[3, 2, 2.5], `${monotonic}2 before 2.5 at index 2. ${sort}`],
  ])('%j as numbers and as a tensor', async (times, message) => {
    await expectRefusal(() => odeint(decay, tensor([1]), times), ArgumentError, message);
    await expectRefusal(() => odeint.sync(decay, tensor([1]), times), ArgumentError, message);
    if (times.length < 2) return;
    await expectRefusal(() => odeint(decay, tensor([1]), tensor(times)), ArgumentError, message);
  });

  it('a tensor that is no list of floats', async () => {
    const list = /^odeint: times must be a list of two or more floating-point numbers; got Tensor /;
    for (const times of [tensor([0]), tensor([[0, 1]]), tensor([0, 1], { dtype: 'int32' })]) {
      await expectRefusal(() => odeint(decay, tensor([1]), times), ArgumentError, list);
    }
  });
});

describe('tolerances and steps', () => {
  const nonPositive = [0, -1e-6, Number.NaN];
  const names = ['rtol', 'atol', 'firstStep', 'maxStep', 'maxSteps'] as const;
  it.each(names.flatMap((name) => nonPositive.map((value) => [name, value] as const)))(
    '%s %d',
    (name, value) =>
      expectRefusal(
        () => odeint(decay, tensor([1]), [0, 1], { [name]: value }),
        ArgumentError,
        new RegExp(`^odeint: ${name} must be a positive number; got ${value}\\. \\S`),
      ),
  );

  it.each(nonPositive)('stepSize %d', (stepSize) =>
    expectRefusal(
      () => odeint(decay, tensor([1]), [0, -1], { solver: rk4(), stepSize }),
      ArgumentError,
      `odeint: stepSize must be a positive number; got ${stepSize}. The direction follows from the times.`,
    ),
  );

  it('an infinite tolerance, and one in quotes', async () => {
    const solve = (options: Untyped): unknown => odeint(decay, tensor([0]), [0, 1], options);
    await expectRefusal(
      () => solve({ rtol: Number.POSITIVE_INFINITY }),
      ArgumentError,
      /^odeint: rtol must be finite; got Infinity\. /,
    );
    await expectRefusal(
      () => solve({ atol: '1e-6' }),
      ArgumentError,
      /positive number; got '1e-6'\. /,
    );
  });
});

describe('options that do not fit the solver, by type and by error', () => {
  const run = (options: Options): unknown => odeint(decay, tensor([1]), [0, 1], options);

  it('a fixed-step solver without a step', () =>
    expectRefusal(
      // @ts-expect-error stepSize is missing
      () => run({ solver: rk4() }),
      ArgumentError,
      'odeint: rk4 takes fixed steps and needs stepSize. Pass { stepSize: … } in units of time, or an adaptive solver such as dopri5().',
    ));

  it('adaptive options on a fixed-step solver', async () => {
    const own = { solver: euler(), stepSize: 0.1 };
    const controller = integralController(4);
    const wrong: readonly Options[] = [
      // @ts-expect-error
      { ...own, rtol: 1e-3 },
      // @ts-expect-error
      { ...own, atol: 1e-3 },
      // @ts-expect-error
      { ...own, firstStep: 1 },
      // @ts-expect-error
      { ...own, maxStep: 1 },
      // @ts-expect-error
      { ...own, controller },
    ];
    for (const options of wrong) {
      const name = Object.keys(options).at(-1);
      const message = `odeint: euler takes fixed steps and has no use for ${name}. Pass stepSize, or an adaptive solver such as dopri5().`;
      await expectRefusal(() => run(options), ArgumentError, message);
    }
  });

  it('a step size for an adaptive solver', async () => {
    const message =
      'odeint: dopri5 chooses its own steps and has no use for stepSize. Pass rtol and atol (and firstStep or maxStep), or a fixed-step solver such as rk4().';
    // @ts-expect-error
    await expectRefusal(() => run({ solver: dopri5(), stepSize: 0.1 }), ArgumentError, message);
    // @ts-expect-error
    await expectRefusal(() => run({ stepSize: 0.1 }), ArgumentError, message);
    // @ts-expect-error no such option
    const typo: Options = { rTol: 1e-3 };
    expect(typo).toBeDefined();
  });
});

describe('states', () => {
  it('without a tensor', async () => {
    const none = /^odeint: y0 holds no tensor; got (number|object)\. Make one with tensor\(…\)\.$/;
    for (const y0 of [1, [1, 2], {}, null] as Untyped[]) {
      await expectRefusal(() => odeint((_, y) => y, y0, [0, 1]), ArgumentError, none);
    }
  });

  it('of integers', async () => {
    const count = tensor([1, 2], { dtype: 'int32' });
    await expectRefusal(
      () => odeint(decay, count, [0, 1]),
      DTypeError,
      "odeint: the state must be floating-point; got int32. Convert with .cast('float32').",
    );
    await expectRefusal(
      () => odeint((_, y) => y, { a: tensor([1]), b: { c: count } }, [0, 1]),
      DTypeError,
      /^odeint: the state must be floating-point \(y0\.b\.c\); got int32/,
    );
  });

  it('of two dtypes', () =>
    expectRefusal(
      () => odeint((_, y) => y, { a: tensor([1]), b: tensor([1], { dtype: 'float32' }) }, [0, 1]),
      DTypeError,
      'odeint: the leaves of the state differ in dtype; got float64 at y0.a and float32 at y0.b. Convert one with .cast(…).',
    ));
});

describe('fields', () => {
  const y0 = (): Tensor => tensor([1, 2]);
  const solve = (field: Untyped, state: Untyped = y0()): unknown => odeint(field, state, [0, 1]);

  it('of another shape or dtype', async () => {
    const remedy = 'The field must return dy/dt, shaped like y.';
    await expectRefusal(
      () => solve((_: Tensor, y: Tensor) => y.sum()),
      FieldError,
      `odeint: the field's value does not fit the state; got float64[]; expected float64[2]. ${remedy}`,
    );
    await expectRefusal(
      () => solve((_: Tensor, y: Tensor) => concat([y, y])),
      FieldError,
      `odeint: the field's value does not fit the state; got float64[4]; expected float64[2]. ${remedy}`,
    );
    await expectRefusal(
      () => solve((_: Tensor, y: Tensor) => y.cast('float32')),
      FieldError,
      `odeint: the field's value does not fit the state; got float32[2]; expected float64[2]. ${remedy}`,
    );
    await expectRefusal(
      () => solve((_: Tensor, y: Tensor[]) => [y[0], y[1].at(0)], [tensor([1]), tensor([1])]),
      FieldError,
      `odeint: the field's value does not fit the state at [1]; got float64[]; expected float64[1]. ${remedy}`,
    );
  });

  it('of another structure', async () => {
    const what = "odeint: the field's value is not a tree of tensors like the state; got ";
    const remedy = '. The field must return dy/dt, with a tensor wherever y has one.';
    const tree = { a: tensor([1]), b: tensor([1]) };
    const cases: readonly [Untyped, Untyped, string][] = [
      [() => 0, y0(), `${what}0; expected a tensor${remedy}`],
      [() => [1, 2], y0(), `${what}[1, 2]; expected a tensor${remedy}`],
      [() => undefined, y0(), `${what}nothing; expected a tensor${remedy}`],
      [(_: Tensor, y: Tensor) => [y], y0(), `${what}[0]; expected a tensor${remedy}`],
      [(_: Tensor, y: typeof tree) => ({ a: y.a }), tree, `${what}a; expected a, b${remedy}`],
      [
        (_: Tensor, y: typeof tree) => ({ a: y.a, c: y.b }),
        tree,
        `${what}a, c; expected a, b${remedy}`,
      ],
    ];
    for (const [field, state, message] of cases) {
      await expectRefusal(() => solve(field, state), FieldError, message);
    }
  });

  it('that are asynchronous', async () => {
    const message =
      'odeint: the field returned a promise. Make it a plain function: it is recorded once, so there is nothing to await.';
    await expectRefusal(() => solve(async (_: Tensor, y: Tensor) => y.neg()), FieldError, message);
    // what it then fails with on its own must not end the program
    const reading = async (_: Tensor, y: Tensor): Promise<Tensor> => y.mul(await y.at(0).item());
    await expectRefusal(() => solve(reading), FieldError, message);
  });

  it('that read a value', async () => {
    const where =
      /numbers cannot be read while the function is being recorded\. .*where\(condition/;
    await expectRefusal(
      () => solve((_: Tensor, y: Tensor) => (y.dataSync()[0] > 0 ? y : y.neg())),
      RecordingError,
      where,
    );
    await expectRefusal(
      () => solve((t: Tensor, y: Tensor) => (t.itemSync() > 0 ? y : y.neg())),
      RecordingError,
      where,
    );
  });

  it('whose own errors come through', () =>
    expectRefusal(
      () =>
        solve(() => {
          throw new RangeError('mine');
        }),
      RangeError,
      'mine',
    ));
});

describe('results', () => {
  it('taken before they are there', async () => {
    const result = odeint(decay, tensor([1]), [0, 1]);
    expect(() => result.ys).toThrow(
      new RecordingError({
        what: '".ys" was read from a result that is still being computed',
        remedy: 'Await it first, or call .sync(…) instead',
      }),
    );
    expect((await result).ys.shape).toEqual([2, 1]);
  });
});
