/**
 * The first step of a solve, by Hairer's rule (Hairer, Nørsett, Wanner I, section II.4, "Starting step size"); the
 * numbers are those of pace.ts.
 */
import { type Backend, type Run, releaseAll, runGraph, type Slot } from '@neuralode/tensor';
import { readNumbers } from './host-numbers.ts';
import { firstStep, trialStep } from './pace.ts';
import type { StepGraphs } from './step-graphs.ts';
import type { Stepper } from './stepper.ts';

/** Where a solve starts. */
interface Start {
  readonly t: number;
  readonly y: readonly Slot[];
  /** 1, or −1 backward in time. */
  readonly direction: 1 | -1;
  /** The longest step allowed. */
  readonly limit: number;
}

/** Length of the first step. `fail` is told of what is not finite. */
export function* chooseFirstStep(
  stepper: Stepper,
  { t, y, direction, limit }: Start,
  errorOrder: number,
  graphs: StepGraphs,
  backend: Backend,
  fail: (what: string) => never,
): Run<number> {
  const { size, finite } = graphs as Required<StepGraphs>;
  const f = yield* stepper.slope(t, y);
  // Finite values can have norms that are not: squares overflow.
  function* requireFinite(norm: number, leaves: readonly Slot[], what: string): Run<void> {
    if (Number.isFinite(norm)) return;
    const [probe] = yield* runGraph(finite, leaves, backend);
    const [value] = yield* readNumbers(probe);
    if (!Number.isFinite(value)) fail(`${what} is not finite`);
  }
  try {
    const [norms] = yield* runGraph(size, [...y, ...f], backend);
    const [stateNorm, fieldNorm] = yield* readNumbers(norms);
    yield* requireFinite(stateNorm, y, 'the initial state');
    yield* requireFinite(fieldNorm, f, 'the field');
    const trial = trialStep(stateNorm, fieldNorm, limit);
    const bendNorm = yield* stepper.bend(t, trial * direction, y, f);
    return firstStep(trial, fieldNorm, bendNorm, errorOrder);
  } finally {
    releaseAll(f);
  }
}
