/**
 * The pace as code for a compiling backend, held to the pace of the run loop: run at once, number by number, over errors
 * made up, it must plan the same steps bit for bit.
 */
import type { Arithmetic, Lowering, Num, Test } from '@neuralode/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdaptiveControl } from './control.ts';
import {
  controllerFor,
  elementary,
  gustafssonPredictive,
  h211b,
  h321,
  hairerPI,
} from './controllers.ts';
import {
  LoweredAdaptivePace,
  loweredFirstStep,
  loweredFixedPace,
  loweredTrialStep,
} from './lowered-pace.ts';
import { AdaptivePace, FixedPace, firstStep, trialStep } from './pace.ts';

/** A test whose outcome is known. */
interface Outcome extends Test {
  readonly holds: boolean;
}

const real = (a: Num): number => a as number;
const holds = (test: Test): boolean => (test as Outcome).holds;
const outcome = (value: boolean): Outcome => ({ kind: 'test', holds: value });

const numbers: Arithmetic = {
  add: (a, b) => real(a) + real(b),
  sub: (a, b) => real(a) - real(b),
  mul: (a, b) => real(a) * real(b),
  div: (a, b) => real(a) / real(b),
  min: (a, b) => Math.min(real(a), real(b)),
  max: (a, b) => Math.max(real(a), real(b)),
  abs: (a) => Math.abs(real(a)),
  exp: (a) => Math.exp(real(a)),
  log: (a) => Math.log(real(a)),
  pow: (a, b) => real(a) ** real(b),
  less: (a, b) => outcome(real(a) < real(b)),
  lessEqual: (a, b) => outcome(real(a) <= real(b)),
  equal: (a, b) => outcome(real(a) === real(b)),
  isFinite: (a) => outcome(Number.isFinite(real(a))),
  both: (a, b) => outcome(holds(a) && holds(b)),
  either: (a, b) => outcome(holds(a) || holds(b)),
  not: (a) => outcome(!holds(a)),
  choose: (test, a, b) => (holds(test) ? a : b),
};

/** Of a lowering, what a pace asks for: done at once rather than written down. */
const code = {
  numbers,
  variable(initial: Num) {
    let value = initial;
    return {
      get: () => value,
      set: (next: Num) => {
        value = next;
      },
    };
  },
  when(test: Test, then: () => void, otherwise: () => void = () => {}): void {
    if (holds(test)) then();
    else otherwise();
  },
} as unknown as Lowering;

const errors = fc.oneof(
  fc.double({ min: 0, max: 3, noNaN: true }),
  fc.double({ min: -12, max: 12, noNaN: true }).map((power) => 10 ** power),
  fc.constantFrom(0, 1, Number.NaN, Number.POSITIVE_INFINITY),
);

/** Where a solve goes, forwards and backwards. */
const spans: readonly (readonly [number, number])[] = [
  [0, 3],
  [2, -1.5],
];

const controls = fc.record({
  controller: fc.constantFrom(
    ...[elementary, gustafssonPredictive, hairerPI, h211b, h321].map((make) =>
      controllerFor(make(), 4),
    ),
  ),
  firstStep: fc.double({ min: 1e-3, max: 2, noNaN: true }),
  minStep: fc.constantFrom(undefined, 1e-3),
  maxStep: fc.constantFrom(undefined, 0.3),
});

describe('the pace of a compiled solve is that of the run loop', () => {
  it('with adaptive steps', () => {
    fc.assert(
      fc.property(
        controls,
        fc.array(errors, { maxLength: 40 }),
        fc.constantFrom(...spans),
        ({ minStep, maxStep, ...given }, list, [from, to]) => {
          const control: AdaptiveControl = {
            ...{ kind: 'adaptive', rtol: 1e-6, atol: 1e-8, maxSteps: 1000 },
            ...given,
            ...(minStep !== undefined && { minStep }),
            ...(maxStep !== undefined && { maxStep }),
          };
          const pace = new AdaptivePace(control, from, to);
          const course = { from, end: to, direction: to >= from ? 1 : -1 };
          const lowered = new LoweredAdaptivePace(code, control, course);
          let t = from;
          for (const error of list) {
            if (t === to) break;
            const stride = pace.stride(t, to);
            const { next, h, cut } = lowered.stride(t, to);
            expect({ next, h, cut: holds(cut) }).toEqual(stride);
            let stood: boolean | undefined;
            lowered.judge(
              { next, h, cut },
              error,
              () => {
                stood = true;
              },
              () => {
                stood = false;
              },
            );
            expect(stood).toBe(pace.judge(stride, error));
            expect(lowered.size.get()).toBe(pace.size);
            expect(holds(lowered.vanished(t))).toBe(pace.vanished(t));
            if (stood) t = stride.next;
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('with equal steps', () => {
    const size = fc.double({ min: 0.01, max: 2, noNaN: true });
    fc.assert(
      fc.property(size, fc.constantFrom(...spans), (stepSize, [from, to]) => {
        const control = { kind: 'fixed', stepSize, maxSteps: 1000 } as const;
        const pace = new FixedPace(control, from, to);
        const course = { from, end: to, direction: to >= from ? 1 : -1 };
        const lowered = loweredFixedPace(code, control, course);
        pace.begin(from);
        lowered.begin(from);
        for (let t = from; t !== to; ) {
          const stride = pace.stride(t, to);
          const { next, h } = lowered.stride(t, to);
          expect({ next, h }).toEqual({ next: stride.next, h: stride.h });
          t = stride.next;
        }
      }),
    );
  });

  it('in how long the first step is', () => {
    const norm = fc.oneof(
      fc.double({ min: 0, max: 10, noNaN: true }),
      fc.constantFrom(0, 1e-6, 1e-16, 1e300, Number.POSITIVE_INFINITY),
    );
    fc.assert(
      fc.property(norm, norm, norm, (state, field, bend) => {
        const trial = trialStep(state, field, 3);
        expect(loweredTrialStep(code, state, field, 3)).toBe(trial);
        expect(loweredFirstStep(code, trial, field, bend, 4)).toBe(
          firstStep(trial, field, bend, 4),
        );
      }),
    );
  });
});
