/**
 * The run loop on plain numbers: start, step, judge, observe. The decisions (how long a step, whether it stands) are those
 * of `pace.ts`, which steers the solves of tensors too.
 */
import type { AdaptiveControl, Control } from '../control.ts';
import {
  EventsPileUpError,
  MaxStepsError,
  NonFiniteError,
  SolveError,
  type SolveStatus,
  StepSizeError,
} from '../errors.ts';
import { rmsNorm } from '../norms.ts';
import type { Happening } from '../events/event-options.ts';
import { type PlainCut, PlainEvents, type VectorEvent } from '../events/plain-events.ts';
import type { EveryStep } from '../output.ts';
import {
  AdaptivePace,
  EventGaps,
  type FixedPace,
  firstStep,
  paceOf,
  type Stride,
  trialStep,
} from '../pace.ts';
import type { SolveStats } from '../solve-attrs.ts';
import { heed, type Oversight } from '../step-report.ts';
import { type Stop, type StopTimes, stopsBetween } from '../stops.ts';
import type { Tableau } from '../tableau.ts';
import { DenseSteps } from './dense-steps.ts';
import { allFinite, PlainSteps, type VectorField } from './plain-steps.ts';

export const who = 'solveIvp';

/** A solve on plain numbers. */
export interface PlainProblem {
  readonly field: VectorField;
  readonly y0: Float64Array;
  readonly times: readonly number[];
  readonly tableau: Tableau;
  readonly control: Control;
  readonly output?: EveryStep;
  readonly dense: boolean;
  readonly stops?: StopTimes;
  readonly oversight: Oversight;
  readonly onSolve?: (stats: SolveStats) => void;
  readonly throws: boolean;
  readonly events: readonly VectorEvent[];
}

/** What a solve on plain numbers gives. */
export interface PlainResult {
  readonly ts: readonly number[];
  readonly rows: readonly Float64Array[];
  readonly stats: SolveStats;
  readonly dense: DenseSteps | undefined;
  readonly failure?: SolveError;
  readonly happenings: readonly Happening<Float64Array>[];
}

export class PlainLoop {
  readonly #problem: PlainProblem;
  readonly #steps: PlainSteps;
  readonly #pace: FixedPace | AdaptivePace;
  readonly #direction: 1 | -1;
  readonly #end: number;
  readonly #dense: DenseSteps | undefined;
  readonly #norm: (values: Float64Array) => number;
  readonly #ts: number[] = [];
  readonly #rows: Float64Array[] = [];
  readonly #events: PlainEvents | undefined;
  readonly #gaps = new EventGaps();
  #ended = false;
  #t: number;
  #accepted = 0;
  #rejected = 0;

  constructor(problem: PlainProblem) {
    const { times, control, field, y0, tableau, dense } = problem;
    this.#problem = problem;
    this.#t = times[0];
    this.#end = times.at(-1) as number;
    this.#direction = this.#end >= times[0] ? 1 : -1;
    this.#pace = paceOf(control, times[0], this.#end);
    this.#steps = new PlainSteps(field, y0, tableau, who);
    this.#norm = ((control as AdaptiveControl).norm ?? rmsNorm()).ofNumbers;
    this.#events =
      problem.events.length > 0 ? new PlainEvents(problem.events, this.#steps, who) : undefined;
    this.#dense = dense ? new DenseSteps(this.#steps, times[0], this.#direction) : undefined;
  }

  run(): PlainResult {
    let failure: SolveError | undefined;
    try {
      this.#solve();
    } catch (error) {
      if (!(error instanceof SolveError)) throw error;
      failure = error;
    }
    const stats = this.#stats(failure?.status ?? (this.#ended ? 'ended-by-event' : 'success'));
    this.#problem.onSolve?.(stats);
    if (failure !== undefined && this.#problem.throws) throw failure;
    const { happenings = [] } = this.#events ?? {};
    const result = { ts: this.#ts, rows: this.#rows, stats, dense: this.#dense, happenings };
    return failure === undefined ? result : { ...result, failure };
  }

  #solve(): void {
    const steps = this.#steps;
    const { tableau, stops = {} } = this.#problem;
    if (!allFinite(steps.y)) this.#fail('the initial state is not finite');
    this.#keep(this.#t, steps.y);
    const ahead = stopsBetween(stops, this.#t, this.#end, Number.EPSILON);
    // Where the field jumps at the very start, the first stage belongs after it.
    if (ahead[0]?.at === this.#t) this.#t = (ahead.shift() as Stop).resume;
    if (tableau.fsal) steps.start(this.#t);
    if (this.#pace instanceof AdaptivePace) this.#chooseFirstStep(this.#pace);
    this.#pace.begin(this.#t);
    this.#events?.begin(this.#t);
    for (const stop of ahead) this.#stepTo(stop);
    while (this.#t !== this.#end && !this.#ended) this.#step(this.#end);
    this.#finish();
  }

  /** Steps up to a time to land on, and goes on from there. */
  #stepTo({ at, resume, fresh }: Stop): void {
    while (this.#t !== at && !this.#ended) this.#step(at);
    if (this.#ended) return;
    this.#t = resume;
    this.#dense?.continueTo(resume);
    if (this.#problem.output === undefined) this.#observeStanding();
    if (fresh && this.#problem.tableau.fsal) this.#steps.start(this.#t);
    this.#pace.begin(this.#t);
  }

  /** Keeps the end, where that is still missing. */
  #finish(): void {
    if (this.#problem.output === undefined) this.#observeStanding();
    else if (this.#ts.at(-1) !== this.#t) this.#keep(this.#t, this.#steps.y);
  }

  #observeStanding(): void {
    const { times } = this.#problem;
    while (this.#ts.length < times.length) {
      const time = times[this.#ts.length];
      if ((time - this.#t) * this.#direction > 0) return;
      this.#keep(time, this.#steps.y);
    }
  }

  #stats(status: SolveStatus): SolveStats {
    return {
      nfe: this.#steps.nfe,
      jacobians: 0,
      factorisations: 0,
      accepted: this.#accepted,
      rejected: this.#rejected,
      status,
      pass: 'forward',
    };
  }

  #tell({ h }: Stride, accepted: boolean): void {
    const { oversight, times } = this.#problem;
    const fraction = (this.#t - times[0]) / (this.#end - times[0]);
    oversight.onStep?.({ t: this.#t, h, accepted, fraction, pass: 'forward' });
  }

  #fail(what: string): never {
    throw new NonFiniteError(this.#t, 'forward', what, { who });
  }

  /** Hairer, Nørsett, Wanner I, section II.4, "Starting step size". */
  #chooseFirstStep(pace: AdaptivePace): void {
    const { rtol, atol, firstStep: given } = this.#problem.control as AdaptiveControl;
    const { fsal, errorOrder } = this.#problem.tableau;
    const steps = this.#steps;
    if (given !== undefined) return;
    if (!fsal) steps.start(this.#t);
    const norm = (values: Float64Array): number => this.#norm(steps.scaled(values, rtol, atol));
    const stateNorm = norm(steps.y);
    const fieldNorm = norm(steps.k[0]);
    if (!allFinite(steps.k[0])) this.#fail('the field is not finite');
    const trial = trialStep(stateNorm, fieldNorm, pace.limit);
    const bendNorm = norm(steps.bend(this.#t, trial * this.#direction)) / trial;
    pace.size = firstStep(trial, fieldNorm, bendNorm, errorOrder as number);
  }

  /** One attempt at a step towards `landing`. */
  #step(landing: number): void {
    const { control, oversight } = this.#problem;
    heed(oversight, this.#t, 'forward', who);
    if (this.#accepted + this.#rejected >= control.maxSteps) {
      throw new MaxStepsError(this.#t, 'forward', control.maxSteps, this.#end, { who });
    }
    const stride = this.#pace.stride(this.#t, landing);
    this.#steps.step(this.#t, stride.h);
    const stands = this.#judge(stride);
    if (stands) this.#accept(stride);
    if (oversight.onStep !== undefined) this.#tell(stride, stands);
  }

  #judge(stride: Stride): boolean {
    const pace = this.#pace;
    const finite = allFinite(this.#steps.next);
    if (!(pace instanceof AdaptivePace)) {
      if (finite) return true;
      const what = `the field or the state is not finite after the step from t = ${this.#t},`;
      throw new NonFiniteError(stride.next, 'forward', what, { who });
    }
    const control = this.#problem.control as AdaptiveControl;
    const size = this.#steps.errorSize(stride.h, control, this.#norm);
    // An infinite state makes its scale infinite too, and so passes for one without error.
    const error = finite ? size : Number.NaN;
    if (pace.judge(stride, error)) return true;
    this.#rejected++;
    if (!pace.vanished(this.#t)) return false;
    if (!Number.isFinite(error)) this.#fail('the field or the state is not finite');
    throw new StepSizeError(this.#t, 'forward', pace.size, control, 'float64', { who });
  }

  #accept({ next, h }: Stride): void {
    const steps = this.#steps;
    const start = this.#t;
    this.#accepted++;
    const cut = this.#events?.inspect(start, h);
    this.#t = cut === undefined ? next : start + cut.theta * h;
    this.#dense?.add(start, this.#t, h);
    this.#observe(start, h);
    steps.accept();
    if (cut !== undefined) this.#resume(cut);
  }

  /** Goes on from an event, or ends there. */
  #resume({ terminal }: PlainCut): void {
    this.#ended = terminal;
    if (terminal) return;
    if (!this.#gaps.note(this.#t, Math.abs(this.#end - this.#problem.times[0]), this.#pace)) {
      throw new EventsPileUpError(this.#t, 'forward', { who });
    }
    this.#events?.change(this.#t);
    if (this.#problem.tableau.fsal) this.#steps.start(this.#t);
    this.#pace.begin(this.#t);
  }

  /** Keeps what is to be kept of the step from `start` over h, which ended at `#t`. */
  #observe(start: number, h: number): void {
    const { output, times } = this.#problem;
    const steps = this.#steps;
    if (output !== undefined) {
      if (this.#accepted % output.every === 0) this.#keep(this.#t, steps.next);
      return;
    }
    while (this.#ts.length < times.length) {
      const time = times[this.#ts.length];
      if ((time - this.#t) * this.#direction > 0) return;
      if (time === this.#t) {
        this.#keep(time, steps.next);
        continue;
      }
      steps.extend(start, h);
      const row = new Float64Array(steps.y.length);
      steps.interpolate(row, (time - start) / h, h, steps.y, steps.k);
      this.#ts.push(time);
      this.#rows.push(row);
    }
  }

  #keep(t: number, y: Float64Array): void {
    this.#ts.push(t);
    this.#rows.push(y.slice());
  }
}
