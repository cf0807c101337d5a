/**
 * The run loop of `odeSolve`: start, step, judge, emit, jump; kernel by kernel, with only the current state in memory.
 *
 * The loop is the same whether or not the solve is recorded for backpropagation: a log is told of every graph that was
 * run on the way to the result, and of what that graph gave beyond its plain outputs (the residuals of `direct()`).
 */
import {
  type Backend,
  type DeviceBuffer,
  type DType,
  type Run,
  releaseAll,
  type Slot,
} from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';
import { FiniteWatch, type Look } from './finite-watch.ts';
import {
  EndedByEvent,
  EventsPileUpError,
  MaxStepsError,
  NewtonError,
  NonFiniteError,
  SolveError,
  type SolveStatus,
  StepSizeError,
  stateError,
} from './errors.ts';
import { chooseFirstStep } from './first-step.ts';
import { applyJumps } from './jump.ts';
import type { StepKind } from './method.ts';
import { Observations } from './observations.ts';
import { type OdeSolveAttrs, type SolveInputs, solveInputs } from './solve-attrs.ts';
import { AdaptivePace, EventGaps, type FixedPace, paceOf, type Stride } from './pace.ts';
import { noLog, type SolveLog } from './solve-log.ts';
import { plainGraphs, type RunnableGraphs } from './step-graphs.ts';
import type { AcceptedStep, Cut } from './solve-witness.ts';
import { StepCounts } from './step-counts.ts';
import { heed } from './step-report.ts';
import { type Stop, stopsBetween } from './stops.ts';
import { type Attempt, Stepper } from './stepper.ts';
import { requireTimes } from './times.ts';

/** Runs an `odeSolve` node. Inputs are borrowed; the outputs are the caller's. */
export function* runOdeSolve(
  inputs: readonly Slot[],
  attrs: OdeSolveAttrs,
  backend: Backend,
  graphs: RunnableGraphs = plainGraphs(attrs),
  log: SolveLog = noLog,
): Run<Slot[]> {
  const roles = solveInputs(inputs, attrs);
  const times = attrs.times ?? Array.from(yield roles.times as DeviceBuffer);
  if (attrs.times === undefined) requireTimes(times);
  const loop = new SolveLoop(roles, attrs, times, backend, graphs, log);
  try {
    return yield* loop.run();
  } catch (error) {
    if (error instanceof SolveError) loop.failed(error.status);
    if (error instanceof EndedByEvent) loop.failed('ended-by-event');
    throw error;
  } finally {
    loop.release();
  }
}

/** A step, but for where it ends. */
type BegunStep = Omit<AcceptedStep, 'end' | 'after'>;

class SolveLoop {
  readonly #attrs: OdeSolveAttrs;
  readonly #inputs: SolveInputs<Slot>;
  readonly #times: readonly number[];
  readonly #backend: Backend;
  readonly #graphs: RunnableGraphs;
  readonly #log: SolveLog;
  readonly #stepper: Stepper;
  readonly #direction: 1 | -1;
  readonly #end: number;
  readonly #scalarType: DType;

  #t: number;
  #y: Slot[];
  readonly #observations: Observations;
  /** Where the stretch between two landing times began, and ends. */
  #segment = { index: -1, from: 0, to: 0 };
  readonly #pace: FixedPace | AdaptivePace;
  readonly #watch: FiniteWatch;
  readonly #gaps = new EventGaps();
  /** Up to when all was well, where that is not the time at which the solve stands. */
  #sound: number | undefined;
  readonly #counts = new StepCounts();

  constructor(
    inputs: SolveInputs<Slot>,
    attrs: OdeSolveAttrs,
    times: readonly number[],
    backend: Backend,
    graphs: RunnableGraphs,
    log: SolveLog,
  ) {
    this.#inputs = inputs;
    this.#attrs = attrs;
    this.#times = times;
    this.#backend = backend;
    this.#graphs = graphs;
    this.#log = log;
    this.#stepper = new Stepper(attrs, inputs.args, backend, graphs, log);
    this.#end = times.at(-1) as number;
    this.#direction = this.#end >= times[0] ? 1 : -1;
    this.#pace = paceOf(attrs.control, times[0], this.#end);
    this.#watch = new FiniteWatch(backend, graphs.finite, (look) => this.#failAt(look));
    this.#scalarType = attrs.body.inputs[0].dtype as DType;
    this.#t = times[0];
    this.#y = inputs.y0.map((slot) => slot.retain());
    this.#observations = new Observations(
      times,
      attrs.times !== undefined,
      attrs.body.inputs.slice(1, 1 + attrs.leaves),
      backend,
      this.#stepper,
      log,
    );
  }

  *run(): Run<Slot[]> {
    const landings = this.#landings();
    const adaptive = this.#pace instanceof AdaptivePace;
    yield* this.#beginWitness();
    this.#observations.stand(this.#y);
    if (!adaptive) yield* this.#lookSince(this.#t);
    for (const [i, landing] of landings.entries()) {
      const stops = this.#stopsBefore(landing);
      this.#segment = { index: i, from: this.#t, to: landing };
      // Where the field jumps at the very start, the first stage belongs after it.
      if (stops[0]?.at === this.#t) this.#t = (stops.shift() as Stop).resume;
      // A jump moves the state away from what the stage was evaluated at.
      yield* this.#begin();
      if (i === 0) yield* this.#chooseFirstStep();
      this.#pace.begin(this.#t);
      for (const stop of stops) yield* this.#stepTo(stop);
      while (this.#t !== landing) yield* this.#step(landing);
      this.#observations.stand(this.#y);
      this.#tellEnd();
      if (i < landings.length - 1) this.#jump();
    }
    // An infinite state makes the scale of the error infinite too, and so passes for one without error.
    if (adaptive) yield* this.#lookSince(this.#t);
    yield* this.#watch.ask();
    this.#attrs.witness?.end(this.#t, this.#y);
    this.#report('success');
    return this.#observations.results();
  }

  #tellEnd(): void {
    this.#log.ends?.(this.#stepper.standing(this.#y));
  }

  #report(status: SolveStatus): void {
    const { evaluations, work } = this.#stepper;
    this.#attrs.onSolve?.({
      nfe: evaluations,
      jacobians: work?.jacobians ?? 0,
      factorisations: work?.factorisations ?? 0,
      ...this.#counts.stats,
      ...(work && { jacobianProducts: work.products, ...this.#counts.kinds }),
      status,
      pass: this.#attrs.pass,
    });
  }

  /** Tells how far it came. */
  failed(status: SolveStatus): void {
    this.#attrs.witness?.failed(this.#sound ?? this.#t, this.#observations.rows());
    this.#report(status);
  }

  release(): void {
    releaseAll(this.#y);
    this.#stepper.release();
    this.#observations.release();
    this.#watch.release();
  }

  /** Times that a step must end on: the last, and every time at which the state jumps. */
  #landings(): readonly number[] {
    const jumps = this.#attrs.jumps.some((jump) => jump !== undefined);
    return jumps ? this.#times.slice(1) : this.#times.slice(-1);
  }

  #stopsBefore(landing: number): Stop[] {
    const { stops } = this.#attrs;
    if (stops === undefined) return [];
    const epsilon = this.#scalarType === 'float64' ? Number.EPSILON : 2 ** -23;
    return stopsBetween(stops, this.#t, landing, epsilon);
  }

  // Start

  /** Starts afresh from the state as it stands: what earlier steps left does not serve any more. */
  *#begin(): Run<void> {
    const { from, to, index } = this.#segment;
    const position = (this.#t - from) / (to - from);
    const event = { kind: 'start', t: this.#t, segment: index, position } as const;
    yield* this.#stepper.begin(this.#t, this.#y, event);
  }

  *#chooseFirstStep(): Run<void> {
    const { control, method } = this.#attrs;
    const pace = this.#pace;
    if (!(pace instanceof AdaptivePace)) return;
    if ((control as AdaptiveControl).firstStep !== undefined) return;
    const start = { t: this.#t, y: this.#y, direction: this.#direction, limit: pace.limit };
    const order = method.errorOrder as number;
    const fail = (what: string): never => this.#fail(what);
    const { own } = this.#graphs;
    pace.size = yield* chooseFirstStep(this.#stepper, start, order, own, this.#backend, fail);
  }

  // Step

  /** Steps up to a time to land on, and goes on from there. */
  *#stepTo(stop: Stop): Run<void> {
    while (this.#t !== stop.at) yield* this.#step(stop.at);
    this.#t = stop.resume;
    this.#observations.standStill(this.#t, this.#y, this.#segment.to);
    if (stop.fresh) {
      this.#tellEnd();
      this.#stepper.work?.jump();
      yield* this.#begin();
    }
    this.#pace.begin(this.#t);
  }

  #tell({ h }: Stride, accepted: boolean): void {
    const { onStep, pass } = this.#attrs;
    const [from] = this.#times;
    const fraction = (this.#t - from) / (this.#end - from);
    onStep?.({ t: this.#t, h, accepted, fraction, pass });
  }

  /** One attempt at a step towards `landing`; on acceptance the state moves. */
  *#step(landing: number): Run<void> {
    const { control } = this.#attrs;
    heed(this.#attrs, this.#t, this.#attrs.pass);
    if (this.#counts.attempts >= control.maxSteps) {
      throw new MaxStepsError(this.#t, this.#attrs.pass, control.maxSteps, this.#end);
    }
    const stride = this.#pace.stride(this.#t, landing);
    const attempt = yield* this.#stepper.attempt(this.#t, stride.h, this.#y);
    let accepted = false;
    try {
      accepted = this.#judge(stride, attempt);
    } finally {
      if (!accepted) this.#stepper.discard(attempt);
    }
    if (accepted) yield* this.#accept(stride, attempt);
    this.#tell(stride, accepted);
  }

  /** Whether a step that was tried stands. */
  #judge(stride: Stride, { planned, errors }: Attempt): boolean {
    const pace = this.#pace;
    const { course, work } = this.#stepper;
    const diverged = planned.kind.implicit && work?.failure === 'diverged';
    if (!(pace instanceof AdaptivePace)) {
      if (diverged) throw new NewtonError(this.#t, this.#attrs.pass, stride.h);
      course.judged(stride.h, errors, true);
      return true;
    }
    const error = this.#comparable(errors[0], planned.kind);
    const advice = course.judged(stride.h, errors, error <= 1);
    const stands = pace.judge(stride, error, advice);
    if (planned.kind.implicit && work !== undefined && advice === undefined) {
      pace.size = work.advise(stride.h, pace.size);
    }
    if (stands) return true;
    this.#counts.rejected++;
    if (!pace.vanished(this.#t)) return false;
    if (diverged) throw new NewtonError(this.#t, this.#attrs.pass, stride.h);
    if (!Number.isFinite(error)) this.#fail('the field or the state is not finite');
    const { control, pass } = this.#attrs;
    const demands = control as AdaptiveControl;
    throw new StepSizeError(this.#t, pass, pace.size, demands, this.#scalarType);
  }

  /** An error as the controller knows them: all of the order that the method says. */
  #comparable(error: number, { errorOrder }: StepKind): number {
    if (errorOrder === undefined) return error;
    return error ** (((this.#attrs.method.errorOrder as number) + 1) / (errorOrder + 1));
  }

  /** Has the state looked at, after a step from `start`. */
  *#lookSince(start: number): Run<void> {
    yield* this.#watch.look(this.#y, { start, time: this.#t });
  }

  #failAt({ start, time }: Look): never {
    this.#sound = start;
    throw stateError(start, time, time === this.#times[0], this.#attrs.pass);
  }

  #fail(what: string): never {
    throw new NonFiniteError(this.#t, this.#attrs.pass, what);
  }

  /** Moves the state, and observes what lies inside the step. */
  *#accept({ next, h }: Stride, attempt: Attempt): Run<void> {
    const { from, to, index } = this.#segment;
    const span = to - from;
    this.#counts.accept(attempt.planned.kind);
    const before = this.#y;
    const start = this.#t;
    this.#y = this.#stepper.keep(attempt, {
      kind: 'step',
      planned: attempt.planned,
      ...(attempt.inherited && { inherited: attempt.inherited }),
      segment: index,
      position: (start - from) / span,
      length: h / span,
      t: start,
      h,
    });
    this.#t = next;
    let cut: Cut | undefined;
    try {
      const stages = (): Run<readonly Slot[]> => this.#stepper.denseGroups(start, h, before);
      const step = { start, h, before, dense: this.#stepper.dense, stages };
      cut = yield* this.#tellWitness(step);
      yield* this.#observations.inside(this.#ended(step), this.#segment.to);
    } finally {
      releaseAll(before);
    }
    if (this.#attrs.control.kind === 'fixed') yield* this.#lookSince(start);
    if (cut !== undefined) yield* this.#resume(cut);
  }

  /** Goes on from an event, or ends there. */
  *#resume({ terminal, change }: Cut): Run<void> {
    if (terminal) {
      yield* this.#watch.ask();
      this.#attrs.witness?.end(this.#t, this.#y);
      throw new EndedByEvent();
    }
    if (!this.#gaps.note(this.#t, Math.abs(this.#end - this.#times[0]), this.#pace)) {
      throw new EventsPileUpError(this.#t, this.#attrs.pass);
    }
    const before = this.#y;
    this.#y = [];
    this.#y = yield* change(this.#t, before);
    this.#stepper.work?.jump();
    yield* this.#begin();
    this.#pace.begin(this.#t);
  }

  // Observe

  *#beginWitness(): Run<void> {
    const { witness } = this.#attrs;
    if (witness !== undefined) yield* witness.begin(this.#times, this.#y);
  }

  /** Shows the step to the witness, which may end it early. */
  *#tellWitness(step: BegunStep): Run<Cut | undefined> {
    const { witness } = this.#attrs;
    if (witness === undefined) return undefined;
    const look = { start: step.start, time: this.#t };
    const cut = yield* this.#watch.before(witness.inspect(this.#ended(step)), this.#y, look);
    if (cut !== undefined) {
      releaseAll(this.#y);
      this.#y = cut.state;
      this.#t = cut.end;
    }
    yield* witness.accepted(this.#ended(step));
    return cut;
  }

  /** The step as ending where the state now stands. */
  #ended(step: BegunStep): AcceptedStep {
    return { ...step, end: this.#t, after: this.#y };
  }

  // Jump

  /** y ← keep · y + jump, at the observation just made. */
  #jump(): void {
    const index = this.#observations.next - 1;
    const count = this.#times.length;
    applyJumps(this.#backend, this.#attrs, this.#y, this.#inputs.jumps, { index, count });
    this.#stepper.work?.jump();
    this.#log.note({ kind: 'jump', index }, []);
  }
}
