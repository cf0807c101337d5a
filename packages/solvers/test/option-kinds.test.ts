/** Options that are not of their kind, above all a factory that was not called: what, got and the remedy. */
import { reference } from '@neuralode/backend-reference';
import {
  adams,
  alf,
  auto,
  bdf,
  everyStep,
  gmres,
  kvaerno5,
  maxNorm,
  odeint,
  pi42,
  pidController,
  radau5,
  reversibleHeun,
  rodas4,
  solveIvp,
  StepSizeError,
} from '@neuralode/solvers';
import { ArgumentError, setBackend, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { decay } from './problems.ts';

type Options = Record<string, unknown>;

beforeAll(async () => {
  await setBackend(reference());
});

const doors: readonly (readonly [string, (options: Options) => unknown])[] = [
  ['solveIvp', (options) => solveIvp((_, y) => -y, 1, [0, 1], options as never)],
  ['odeint', (options) => odeint.sync(decay, tensor([1]), [0, 1], options as never)],
];

function refusal(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was refused');
}

function expectRefusal(run: () => unknown, message: string): void {
  const error = refusal(run);
  expect(error.message).toBe(message);
  expect(error).toBeInstanceOf(ArgumentError);
}

describe.each(doors)('%s', (who, solve) => {
  const yesOrNo = 'expected true or false. Pass one of them, or leave it out.';
  const control = 'Pass such as pi42(), or start from integralController(errorOrder).';
  const absolute = 'For a purely relative tolerance pass a tiny atol.';
  it.each<[Options, string]>([
    [{ dense: 'yes' }, `dense is not what it must be; got 'yes'; ${yesOrNo}`],
    [{ throwOnFailure: 0 }, `throwOnFailure is not what it must be; got 0; ${yesOrNo}`],
    [
      { onSolve: 5 },
      'onSolve is not what it must be; got 5; expected a function. Pass one, or leave it out.',
    ],
    [{ controller: pi42 }, `controller is not one; got the function () => …. ${control}`],
    [{ controller: null }, `controller is not one; got null. ${control}`],
    [{ controller: 'pi' }, `controller is not one; got 'pi'. ${control}`],
    [
      { output: everyStep },
      'output is not one; got the function everyStep. Pass everyStep() or everyStep(n), or leave it out to observe at the times given.',
    ],
    [{ atol: [1e-3, 1e-9] }, `atol must be a positive number; got [0.001, 1e-9]. ${absolute}`],
    [{ atol: null }, `atol must be a positive number; got null. ${absolute}`],
    [
      { atol: 1e-310 },
      'atol is finer than float64 can hold; got 1e-310; expected at least 2.2e-308. For a purely relative tolerance pass 1e-30, or an atol far below what the state comes to.',
    ],
    [
      { controller: pidController({ p: Number.NaN }) },
      'controller PID(NaN, 1, 0): at most three gains of errors, the first positive, and two of ratios, all numbers; got [NaN, NaN, 0] and []. For an integral controller pass pidController({ i: 1 }).',
    ],
  ])('%o', (options, message) => {
    expectRefusal(() => solve(options), message.replace(/^(?!controller PID)/, `${who}: `));
  });

  it('says that minStep is what stands in the way', () => {
    const error = refusal(() => solve({ minStep: 0.5 }));
    expect(error).toBeInstanceOf(StepSizeError);
    expect(error.message).toMatch(
      new RegExp(
        `^${who}: a step of \\d\\.\\de-1 at t = 0 is shorter than minStep 0\\.5 \\(rtol 0\\.000001, atol 1e-8 in float64 cannot be met otherwise\\)\\. Lower minStep, loosen rtol and atol, or check the field`,
      ),
    );
    // a limit that is not reached is not to blame
    const blowUp = (options: Options): unknown =>
      solveIvp((_, y) => y * y, 1, [0, 2], options as never);
    expect(refusal(() => blowUp({ minStep: 1e-300 })).message).toMatch(/step size fell to/);
  });
});

describe('odeint', () => {
  const solve = (options: Options): unknown =>
    odeint.sync(decay, tensor([1], { dtype: 'float32' }), [0, 1], options as never);

  it('a gradient method that was not made, and what is none', () => {
    const direct = (): object => ({ vjp: () => [] });
    const made =
      'expected a method of @neuralode/adjoint. Pass what it makes: { gradient: direct() }.';
    for (const [gradient, got] of [
      [direct, 'the function direct'],
      ['direct', "'direct'"],
      [null, 'null'],
    ]) {
      const message = `odeint: gradient is not what it must be; got ${got}; ${made}`;
      expectRefusal(() => solve({ gradient }), message);
    }
  });

  it('a save that is no function; a norm that makes no tensor', () => {
    expectRefusal(
      () => solve({ save: 1 }),
      'odeint: save is not what it must be; got 1; expected a function. Pass one, or leave it out.',
    );
    expectRefusal(
      () => solve({ norm: maxNorm }),
      'odeint: norm must make one scalar tensor of the errors and of plain numbers alone; got no tensor. Return such as errors.abs().max(), or pass maxNorm().',
    );
  });

  it('an absolute tolerance that float32 takes for zero', () => {
    expectRefusal(
      () => solve({ atol: 1e-60 }),
      'odeint: atol is finer than float32 can hold; got 1e-60; expected at least 1.2e-38. For a purely relative tolerance pass 1e-30, or an atol far below what the state comes to.',
    );
  });

  it('times of rows that are no lists', () => {
    expectRefusal(
      () => odeint.sync(decay, tensor([1, 2]), [[0, 1], 3] as never, { batched: true }),
      'odeint: the times of row 1 must be a list of numbers; got 3. Pass one list of times for all rows, or one for each.',
    );
  });
});

describe('solveIvp', () => {
  it.each<[(errors: Float64Array) => unknown, RegExp]>([
    [maxNorm, /got \{"kind":"norm".*\}\. /],
    [() => '1', /got '1'\. /],
    [() => -1, /got -1\. /],
    [() => undefined, /got undefined\. /],
  ])('a norm that makes no size: %o', (norm, got) => {
    const error = refusal(() => doors[0][1]({ norm }));
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toMatch(got);
    expect(error.message).toMatch(
      /^solveIvp: norm must make a number of the errors, and none below zero; .* or pass maxNorm\(\)\.$/,
    );
  });
});

describe('methods', () => {
  const dense = 'Pass gmres(), or leave it out for dense systems.';
  it.each<[() => unknown, string]>([
    [
      () => radau5({ linearSolver: gmres as never }),
      `radau5: linearSolver is not one; got the function gmres. ${dense}`,
    ],
    [
      () => kvaerno5({ linearSolver: 'gmres' as never }),
      `kvaerno5: linearSolver is not one; got 'gmres'. ${dense}`,
    ],
    [
      () => rodas4({ linear_solver: gmres() } as never),
      'rodas4: there is no option linear_solver. Did you mean linearSolver?',
    ],
    [
      () => gmres({ restarts: 5 } as never),
      'gmres: there is no option restarts. Did you mean restart?',
    ],
    [() => bdf({ order: 2 } as never), 'bdf: there is no option order. There are maxOrder.'],
    [
      () => adams({ max_order: 2 } as never),
      'adams: there is no option max_order. Did you mean maxOrder?',
    ],
    [
      () => auto({ implicit: radau5() } as never),
      'auto: there is no option implicit. There are nonstiff, stiff.',
    ],
    [
      () => auto({ stiff: radau5 as never }),
      'auto: stiff must be an adaptive Runge-Kutta method; got the function radau5; expected kvaerno5(), rodas4() or radau5().',
    ],
    [
      () => alf({ dampening: 1 } as never),
      'alf: there is no option dampening. Did you mean damping?',
    ],
    [
      () => reversibleHeun({ adaptative: false } as never),
      'reversibleHeun: there is no option adaptative. Did you mean adaptive?',
    ],
  ])('%o', (make, message) => expectRefusal(make, message));
});
