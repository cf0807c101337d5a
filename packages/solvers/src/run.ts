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
  type Graph,
  type Run,
  releaseAll,
  runGraph,
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
} from './errors.ts';
import { readNumbers, runWithNumbers } from './host-numbers.ts';
import { fixedCost } from './implicit/cost.ts';
import { NewtonWork } from './implicit/newton-work.ts';
import { applyJumps } from './jump.ts';
import { Observations } from './observations.ts';
import { type OdeSolveAttrs, type SolveInputs, solveInputs } from './solve-attrs.ts';
import {
  AdaptivePace,
  EventGaps,
  type FixedPace,
  firstStep,
  paceOf,
  type Stride,
  trialStep,
} from './pace.ts';
import { noLog, type SolveEvent, type SolveLog } from './solve-log.ts';
import { plainGraphs, type RunnableGraphs } from './step-graphs.ts';
import type { AcceptedStep, Cut } from './solve-witness.ts';
import { heed } from './step-report.ts';
import { type Stop, stopsBetween } from './stops.ts';
import type { DenseStages } from './tableau.ts';
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
  readonly #leaves: number;
  readonly #direction: 1 | -1;
  readonly #end: number;
  readonly #scalarType: DType;

  #t: number;
  #y: Slot[];
  /** f(t, y), where the method keeps it from step to step. */
  #k: Slot[] = [];
  /** The latest step's stages, until the next one; then those that only the interpolant needs, once evaluated. */
  #stages: Slot[] = [];
  readonly #observations: Observations;
  /** Where the stretch between two landing times began, and ends. */
  #segment = { index: -1, from: 0, to: 0 };
  readonly #pace: FixedPace | AdaptivePace;
  readonly #watch: FiniteWatch;
  readonly #gaps = new EventGaps();
  /** Up to when all was well, where that is not the time at which the solve stands. */
  #sound: number | undefined;
  /** Of an implicit method: what its Newton iterations share, and count. */
  readonly #work: NewtonWork | undefined;
  #nfe = 0;
  #accepted = 0;
  #rejected = 0;

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
    this.#leaves = attrs.leaves;
    this.#end = times.at(-1) as number;
    this.#direction = this.#end >= times[0] ? 1 : -1;
    this.#pace = paceOf(attrs.control, times[0], this.#end);
    this.#watch = new FiniteWatch(backend, graphs.finite, (look) => this.#failAt(look));
    this.#work = attrs.tableau.implicit && new NewtonWork();
    this.#scalarType = attrs.body.inputs[0].dtype as DType;
    this.#t = times[0];
    this.#y = inputs.y0.map((slot) => slot.retain());
    this.#observations = new Observations(
      times,
      attrs.times !== undefined,
      attrs.body.inputs.slice(1, 1 + attrs.leaves),
      backend,
      graphs,
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
      if (this.#attrs.tableau.fsal) yield* this.#start();
      if (i === 0) yield* this.#chooseFirstStep();
      this.#pace.begin(this.#t);
      for (const stop of stops) yield* this.#stepTo(stop);
      while (this.#t !== landing) yield* this.#step(landing);
      this.#observations.stand(this.#y);
      if (i < landings.length - 1) this.#jump();
    }
    // An infinite state makes the scale of the error infinite too, and so passes for one without error.
    if (adaptive) yield* this.#lookSince(this.#t);
    yield* this.#watch.ask();
    this.#attrs.witness?.end(this.#t, this.#y);
    this.#report('success');
    return this.#observations.results();
  }

  #report(status: SolveStatus): void {
    this.#attrs.onSolve?.({
      nfe: this.#nfe + (this.#work?.evaluations ?? 0),
      jacobians: this.#work?.jacobians ?? 0,
      factorisations: this.#work?.factorisations ?? 0,
      accepted: this.#accepted,
      rejected: this.#rejected,
      status,
      pass: this.#attrs.pass,
    });
  }

  /** Tells how far it came. */
  failed(status: SolveStatus): void {
    this.#attrs.witness?.failed(this.#sound ?? this.#t, this.#observations.rows);
    this.#report(status);
  }

  release(): void {
    releaseAll([...this.#y, ...this.#k, ...this.#stages]);
    this.#observations.release();
    this.#watch.release();
    this.#work?.release();
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

  /** Runs a graph whose first inputs are host numbers. */
  #runWith(graph: Graph, numbers: readonly number[], slots: readonly Slot[]): Run<Slot[]> {
    return runWithNumbers(graph, numbers, slots, this.#backend);
  }

  // Start

  /** The field's graph at the state as it stands: f, then residuals. */
  *#evaluate(): Run<Slot[]> {
    const operands = [...this.#y, ...this.#inputs.args];
    const outputs = yield* this.#runWith(this.#graphs.field, [this.#t], operands);
    this.#nfe++;
    return outputs;
  }

  *#start(): Run<void> {
    const { plain } = this.#graphs;
    const outputs = yield* this.#evaluate();
    releaseAll(this.#k);
    this.#k = outputs.slice(0, plain.field);
    const { from, to, index } = this.#segment;
    const position = (this.#t - from) / (to - from);
    const event: SolveEvent = { kind: 'start', segment: index, position };
    this.#log.note(event, outputs.slice(plain.field));
  }

  *#chooseFirstStep(): Run<void> {
    const { control, tableau } = this.#attrs;
    const pace = this.#pace;
    if (!(pace instanceof AdaptivePace)) return;
    if ((control as AdaptiveControl).firstStep !== undefined) return;
    // A method that keeps no stage has none yet.
    const outputs = tableau.fsal ? this.#k.map((slot) => slot.retain()) : yield* this.#evaluate();
    try {
      pace.size = yield* this.#hairersStep(pace.limit, outputs.slice(0, this.#leaves));
    } finally {
      releaseAll(outputs);
    }
  }

  /** Hairer, Nørsett, Wanner I, section II.4, "Starting step size". `k` is f(t, y), borrowed. */
  *#hairersStep(limit: number, k: readonly Slot[]): Run<number> {
    const { size, curvature } = this.#graphs as Required<RunnableGraphs>;
    const [norms] = yield* runGraph(size, [...this.#y, ...k], this.#backend);
    const [stateNorm, fieldNorm] = yield* readNumbers(norms);
    // Finite values can have norms that are not: squares overflow.
    if (!Number.isFinite(stateNorm)) yield* this.#requireFinite(this.#y, 'the initial state');
    if (!Number.isFinite(fieldNorm)) yield* this.#requireFinite(k, 'the field');
    const trial = trialStep(stateNorm, fieldNorm, limit);
    const operands = [...this.#y, ...k, ...this.#inputs.args];
    const [bend] = yield* this.#runWith(curvature, [this.#t, trial * this.#direction], operands);
    this.#nfe++;
    const [bendNorm] = yield* readNumbers(bend);
    return firstStep(trial, fieldNorm, bendNorm, this.#attrs.tableau.errorOrder as number);
  }

  /** Throws unless all elements of these leaves, shaped like the state, are finite. */
  *#requireFinite(leaves: readonly Slot[], what: string): Run<void> {
    const [probe] = yield* runGraph(this.#graphs.finite, leaves, this.#backend);
    const [value] = yield* readNumbers(probe);
    if (!Number.isFinite(value)) this.#fail(`${what} is not finite`);
  }

  // Step

  /** Steps up to a time to land on, and goes on from there. */
  *#stepTo(stop: Stop): Run<void> {
    while (this.#t !== stop.at) yield* this.#step(stop.at);
    this.#t = stop.resume;
    this.#observations.standStill(this.#t, this.#y, this.#segment.to);
    if (stop.fresh) this.#work?.jump();
    if (stop.fresh && this.#attrs.tableau.fsal) yield* this.#start();
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
    const { control, tableau } = this.#attrs;
    heed(this.#attrs, this.#t, this.#attrs.pass);
    if (this.#accepted + this.#rejected >= control.maxSteps) {
      throw new MaxStepsError(this.#t, this.#attrs.pass, control.maxSteps, this.#end);
    }
    const stride = this.#pace.stride(this.#t, landing);
    const { step, plain } = this.#graphs;
    const operands = [...this.#y, ...this.#k, ...this.#inputs.args];
    if (this.#work !== undefined) operands.push(this.#work);
    this.#work?.attempt(stride.h);
    const outputs = yield* this.#runWith(step, [this.#t, stride.h], operands);
    const cost = fixedCost(tableau);
    this.#nfe += cost.evaluations;
    this.#work?.charge(cost);
    let plainOutputs = plain.step;
    if (this.#pace instanceof AdaptivePace) {
      const [norm] = outputs.splice(--plainOutputs, 1);
      let accepted = false;
      try {
        const [error] = yield* readNumbers(norm);
        accepted = this.#judge(this.#pace, stride, error);
      } finally {
        if (!accepted) releaseAll(outputs);
      }
      if (!accepted) return this.#tell(stride, false);
    } else if (this.#work?.failure === 'diverged') {
      releaseAll(outputs);
      throw new NewtonError(this.#t, this.#attrs.pass, stride.h);
    }
    this.#work?.accept();
    yield* this.#accept(stride, outputs.slice(0, plainOutputs), outputs.slice(plainOutputs));
    this.#tell(stride, true);
  }

  /** Whether a step with this scaled error stands. */
  #judge(pace: AdaptivePace, stride: Stride, error: number): boolean {
    const stands = pace.judge(stride, error);
    if (this.#work !== undefined) pace.size = this.#work.advise(stride.h, pace.size);
    if (stands) return true;
    this.#rejected++;
    if (pace.vanished(this.#t)) {
      if (this.#work?.failure === 'diverged') {
        throw new NewtonError(this.#t, this.#attrs.pass, stride.h);
      }
      if (!Number.isFinite(error)) this.#fail('the field or the state is not finite');
      const { rtol, atol } = this.#attrs.control as AdaptiveControl;
      const tolerances = `rtol ${rtol}, atol ${atol} in ${this.#scalarType}`;
      throw new StepSizeError(this.#t, this.#attrs.pass, pace.size, tolerances);
    }
    return false;
  }

  /** Has the state looked at, after a step from `start`. */
  *#lookSince(start: number): Run<void> {
    yield* this.#watch.look(this.#y, { start, time: this.#t });
  }

  #failAt({ start, time }: Look): never {
    const what =
      time !== start
        ? `the field or the state is not finite after the step from t = ${start},`
        : `the ${time === this.#times[0] ? 'initial ' : ''}state is not finite`;
    this.#sound = start;
    throw new NonFiniteError(time, this.#attrs.pass, what);
  }

  #fail(what: string): never {
    throw new NonFiniteError(this.#t, this.#attrs.pass, what);
  }

  /** Moves the state, and observes what lies inside the step. `outputs` is y₁, then the fresh stages. */
  *#accept({ next, h }: Stride, outputs: Slot[], residuals: readonly Slot[]): Run<void> {
    const { tableau, control } = this.#attrs;
    const { from, to, index } = this.#segment;
    const span = to - from;
    this.#accepted++;
    const event: SolveEvent = {
      kind: 'step',
      segment: index,
      position: (this.#t - from) / span,
      length: h / span,
      h,
    };
    this.#log.note(event, residuals);
    releaseAll(this.#stages);
    this.#stages = [...this.#k, ...outputs.slice(this.#leaves)];
    this.#k = [];
    const before = this.#y;
    this.#y = outputs.slice(0, this.#leaves);
    const start = this.#t;
    this.#t = next;
    let cut: Cut | undefined;
    try {
      const stages = (): Run<readonly Slot[]> => this.#denseStages(start, h, before);
      const step = { start, h, before, stages };
      cut = yield* this.#tellWitness(step);
      yield* this.#observations.inside(this.#ended(step), this.#segment.to);
    } finally {
      releaseAll(before);
    }
    if (tableau.fsal) {
      const end = tableau.c.length * this.#leaves;
      this.#k = this.#stages.slice(end - this.#leaves, end).map((slot) => slot.retain());
    }
    if (control.kind === 'fixed') yield* this.#lookSince(start);
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
    this.#work?.jump();
    if (this.#attrs.tableau.fsal) yield* this.#start();
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
    const cut = yield* witness.inspect(this.#ended(step));
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

  /** The stages of the step just accepted that its interpolant combines; those that only it needs, evaluated at first. */
  *#denseStages(start: number, h: number, before: readonly Slot[]): Run<readonly Slot[]> {
    const { extend, plain } = this.#graphs;
    const { denseStages, c } = this.#attrs.tableau;
    if (extend === undefined || this.#stages.length > c.length * this.#leaves) return this.#stages;
    const operands = [...before, ...this.#stages, ...this.#inputs.args];
    const outputs = yield* this.#runWith(extend, [start, h], operands);
    this.#nfe += (denseStages as DenseStages).c.length;
    this.#stages.push(...outputs.slice(0, plain.extend));
    this.#log.note({ kind: 'extend', h }, outputs.slice(plain.extend));
    return this.#stages;
  }

  // Jump

  /** y ← keep · y + jump, at the observation just made. */
  #jump(): void {
    const index = this.#observations.next - 1;
    const count = this.#times.length;
    applyJumps(this.#backend, this.#attrs, this.#y, this.#inputs.jumps, { index, count });
    this.#work?.jump();
    this.#log.note({ kind: 'jump', index }, []);
  }
}
