/**
 * The run loop of `odeSolve`: start, step, judge, emit, jump; kernel by kernel, with only the current state in memory.
 *
 * The loop is the same whether or not the solve is recorded for backpropagation: a log is told of every graph that was
 * run on the way to the result, and of what that graph gave beyond its plain outputs (the residuals of `direct()`).
 */
import {
  type Backend,
  DeviceBuffer,
  type DType,
  hostArray,
  type Run,
  releaseAll,
  runGraph,
  runKernel,
  type Slot,
  sliceOf,
  stackOf,
  primitives as p,
} from '@neuralode/tensor';
import { stepFactor } from './control.ts';
import { MaxStepsError, NonFiniteError, StepSizeError } from './errors.ts';
import { type OdeSolveAttrs, type SolveInputs, solveInputs } from './ode-solve.ts';
import { type StepGraphs, stepGraphs } from './step-graphs.ts';
import { requireTimes } from './times.ts';

/** One graph that was run on the way to the result. */
export type SolveEvent =
  /** The first stage was evaluated afresh, at the start or after a jump. */
  | { readonly kind: 'start'; readonly segment: number; readonly position: number }
  /** A step was accepted: from `position`, over `length`, both as fractions of the segment. */
  | { readonly kind: 'step'; readonly segment: number; readonly position: number; readonly length: number; readonly h: number }
  /** Observation `index` was interpolated in the step just accepted. */
  | { readonly kind: 'dense'; readonly index: number; readonly theta: number; readonly h: number }
  /** Observation `index` is the state as it stands. */
  | { readonly kind: 'emit'; readonly index: number }
  /** The state jumped after observation `index`. */
  | { readonly kind: 'jump'; readonly index: number };

/** Who is told of the events of a solve, and owns the residuals. */
export interface SolveLog {
  /** `residuals` are the outputs that the graph gave beyond the plain ones; the log owns them. */
  note(event: SolveEvent, residuals: readonly Slot[]): void;
}

const noLog: SolveLog = { note: (_, residuals) => releaseAll(residuals) };

/** The graphs as they are run (perhaps with residuals among the outputs), and how many outputs are plain. */
export interface RunnableGraphs extends StepGraphs {
  readonly plain: { readonly field: number; readonly step: number; readonly dense: number };
}

/** The graphs of a solve that is not recorded. */
export function plainGraphs(attrs: OdeSolveAttrs): RunnableGraphs {
  const graphs = stepGraphs(attrs);
  const plain = {
    field: graphs.field.outputs.length,
    step: graphs.step.outputs.length,
    dense: graphs.dense.outputs.length,
  };
  return { ...graphs, plain };
}

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
  } finally {
    loop.release();
  }
}

/** After how many fixed steps the device is asked whether the state is still finite. */
const finiteCheckInterval = 16;

/** The smallest step worth taking: a few units in the last place of t, whose own sum with h must differ from t. */
function smallestStep(t: number): number {
  return 16 * Number.EPSILON * Math.max(Math.abs(t), Number.MIN_VALUE / Number.EPSILON);
}

class SolveLoop {
  readonly #attrs: OdeSolveAttrs;
  readonly #inputs: SolveInputs<Slot>;
  readonly #times: readonly number[];
  readonly #backend: Backend;
  readonly #graphs: RunnableGraphs;
  readonly #log: SolveLog;
  readonly #leaves: number;
  readonly #direction: 1 | -1;
  readonly #scalarType: DType;

  #t: number;
  #y: Slot[];
  /** f(t, y), where the method keeps it from step to step. */
  #k: Slot[] = [];
  /** The latest step's stages, until the next one. */
  #stages: Slot[] = [];
  /** Observed leaves, [leaf][time]. */
  readonly #observed: Slot[][];
  #nextObservation = 0;
  /** Where the stretch between two landing times began, and ends. */
  #segment = { index: -1, from: 0, to: 0 };
  #stepSize = 0;
  #previousError = 1;
  readonly #probes: { time: number; probe: DeviceBuffer }[] = [];
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
    this.#direction = (times.at(-1) as number) >= times[0] ? 1 : -1;
    this.#scalarType = attrs.body.inputs[0].dtype as DType;
    this.#t = times[0];
    this.#y = inputs.y0.map((slot) => slot.retain());
    this.#observed = this.#y.map(() => []);
  }

  *run(): Run<Slot[]> {
    const landings = this.#landings();
    this.#emitStanding();
    for (const [i, landing] of landings.entries()) {
      this.#segment = { index: i, from: this.#t, to: landing };
      // A jump moves the state away from what the stage was evaluated at.
      if (this.#attrs.tableau.fsal) yield* this.#start();
      if (i === 0) yield* this.#chooseFirstStep();
      while (this.#t !== landing) yield* this.#step(landing);
      this.#emitStanding();
      if (i < landings.length - 1) this.#jump();
    }
    yield* this.#checkProbes();
    this.#attrs.onSolve?.({
      nfe: this.#nfe,
      accepted: this.#accepted,
      rejected: this.#rejected,
      status: 'success',
      pass: this.#attrs.pass,
    });
    return this.#observed.map((slots, leaf) =>
      stackOf(this.#backend, slots, this.#attrs.body.inputs[1 + leaf]),
    );
  }

  release(): void {
    releaseAll([...this.#y, ...this.#k, ...this.#stages, ...this.#observed.flat()]);
    releaseAll(this.#probes.map(({ probe }) => probe));
  }

  /** Times that a step must end on: the last, and every time at which the state jumps. */
  #landings(): readonly number[] {
    const jumps = this.#attrs.jumps.some((jump) => jump !== undefined);
    return jumps ? this.#times.slice(1) : this.#times.slice(-1);
  }

  #scalar(value: number): DeviceBuffer {
    const host = hostArray(this.#scalarType, 1);
    host[0] = value;
    return new DeviceBuffer(this.#backend, this.#backend.upload(host, [], this.#scalarType));
  }

  /** Runs a graph whose first inputs are host numbers. */
  *#runWith(graph: StepGraphs['field'], numbers: readonly number[], slots: readonly Slot[]): Run<Slot[]> {
    const scalars = numbers.map((value) => this.#scalar(value));
    try {
      return yield* runGraph(graph, [...scalars, ...slots], this.#backend);
    } finally {
      releaseAll(scalars);
    }
  }

  // Start

  *#start(): Run<void> {
    const { field, plain } = this.#graphs;
    const outputs = yield* this.#runWith(field, [this.#t], [...this.#y, ...this.#inputs.args]);
    this.#nfe++;
    releaseAll(this.#k);
    this.#k = outputs.slice(0, plain.field);
    const event: SolveEvent = { kind: 'start', segment: this.#segment.index, position: 0 };
    this.#log.note(event, outputs.slice(plain.field));
  }

  /** Hairer, Nørsett, Wanner I, section II.4, "Starting step size". */
  *#chooseFirstStep(): Run<void> {
    const { control, tableau } = this.#attrs;
    if (control.kind === 'fixed') {
      this.#stepSize = control.stepSize;
      return;
    }
    if (control.firstStep !== undefined) {
      this.#stepSize = control.firstStep;
      return;
    }
    const { size, curvature } = this.#graphs as Required<RunnableGraphs>;
    const [norms] = yield* runGraph(size, [...this.#y, ...this.#k], this.#backend);
    const [stateNorm, fieldNorm] = yield* this.#read(norms);
    if (!Number.isFinite(stateNorm)) this.#fail('the initial state is not finite');
    if (!Number.isFinite(fieldNorm)) this.#fail('the field is not finite');
    const span = Math.abs((this.#times.at(-1) as number) - this.#t);
    const rough = stateNorm < 1e-5 || fieldNorm < 1e-5 ? 1e-6 : (0.01 * stateNorm) / fieldNorm;
    const trial = Math.min(rough, span);
    const numbers = [this.#t, trial * this.#direction];
    const operands = [...this.#y, ...this.#k, ...this.#inputs.args];
    const [bend] = yield* this.#runWith(curvature, numbers, operands);
    this.#nfe++;
    const [bendNorm] = yield* this.#read(bend);
    const largest = Math.max(fieldNorm, bendNorm);
    const order = (tableau.errorOrder as number) + 1;
    const fine =
      largest > 1e-15 ? (0.01 / largest) ** (1 / order) : Math.max(1e-6, trial * 1e-3);
    this.#stepSize = Math.min(100 * trial, Number.isFinite(fine) ? fine : trial);
  }

  *#read(slot: Slot): Run<number[]> {
    try {
      return Array.from(yield slot as DeviceBuffer);
    } finally {
      slot.release();
    }
  }

  // Step

  /** One attempt at a step towards `landing`; on acceptance the state moves. */
  *#step(landing: number): Run<void> {
    const { control } = this.#attrs;
    if (this.#accepted + this.#rejected >= control.maxSteps) {
      throw new MaxStepsError(this.#t, this.#attrs.pass, control.maxSteps, this.#times.at(-1) as number);
    }
    const h = this.#nextStep(landing);
    const { step, plain } = this.#graphs;
    const operands = [...this.#y, ...this.#k, ...this.#inputs.args];
    const outputs = yield* this.#runWith(step, [this.#t, h], operands);
    this.#nfe += this.#attrs.tableau.c.length - (this.#attrs.tableau.fsal ? 1 : 0);
    if (control.kind === 'adaptive') {
      const [norm] = outputs.splice(plain.step - 1, 1);
      let accepted = false;
      try {
        accepted = this.#judge(h, (yield* this.#read(norm))[0]);
      } finally {
        if (!accepted) releaseAll(outputs);
      }
      if (!accepted) return;
    }
    const plainOutputs = control.kind === 'adaptive' ? plain.step - 1 : plain.step;
    yield* this.#accept(h, landing, outputs.slice(0, plainOutputs), outputs.slice(plainOutputs));
  }

  /** The signed step to try: no longer than allowed, and ending on the landing time rather than just short of it. */
  #nextStep(landing: number): number {
    const { control } = this.#attrs;
    const left = Math.abs(landing - this.#t);
    const limit = control.kind === 'adaptive' ? (control.maxStep ?? left) : left;
    const wanted = Math.min(this.#stepSize, limit);
    // Rounding of a sum of equal steps must not leave a sliver to be stepped over.
    const reaches = wanted >= left * (1 - 1e-12) || left - wanted < smallestStep(landing);
    return reaches ? landing - this.#t : wanted * this.#direction;
  }

  /** Whether a step with this scaled error stands; sets the size of the next one. */
  #judge(h: number, error: number): boolean {
    const { control, pass } = this.#attrs;
    if (control.kind === 'fixed') return true;
    const { controller } = control;
    const accepted = error <= 1;
    if (accepted) {
      const factor = stepFactor(controller, error, this.#previousError);
      // A step cut short to land says little about how long a step may be.
      this.#stepSize = Math.max(
        Math.abs(h) * factor,
        Math.abs(h) < this.#stepSize * (1 - 1e-12) ? this.#stepSize : 0,
      );
      this.#previousError = Math.max(error, 1e-4);
      return true;
    }
    this.#rejected++;
    const finite = Number.isFinite(error);
    const factor = finite
      ? Math.min(1, stepFactor({ ...controller, beta: 0 }, error, 1))
      : controller.minFactor;
    this.#stepSize = Math.abs(h) * factor;
    if (this.#stepSize < smallestStep(this.#t)) {
      if (!finite) this.#fail('the field or the state is not finite');
      const tolerances = `rtol ${control.rtol}, atol ${control.atol} in ${this.#scalarType}`;
      throw new StepSizeError(this.#t, pass, this.#stepSize, tolerances);
    }
    return false;
  }

  #fail(what: string): never {
    throw new NonFiniteError(this.#t, this.#attrs.pass, what);
  }

  /** Moves the state, and observes what lies inside the step. `outputs` is y₁, then the fresh stages. */
  *#accept(h: number, landing: number, outputs: Slot[], residuals: readonly Slot[]): Run<void> {
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
    this.#t = h === landing - start ? landing : start + h;
    try {
      yield* this.#observeInside(start, h, before);
    } finally {
      releaseAll(before);
    }
    if (tableau.fsal) this.#k = this.#stages.slice(-this.#leaves).map((slot) => slot.retain());
    if (control.kind === 'fixed') yield* this.#probe();
  }

  // Observe

  /** Interpolates the observation times inside the step from `start` over `h`, but for the stretch's own end. */
  *#observeInside(start: number, h: number, before: readonly Slot[]): Run<void> {
    const { dense, plain } = this.#graphs;
    while (this.#nextObservation < this.#times.length) {
      const time = this.#times[this.#nextObservation];
      if ((time - this.#t) * this.#direction > 0) return;
      if (time === this.#segment.to) return; // emitted when the stretch is done
      // Where a derivative by this time may be asked for, the interpolant must say how the state moves with it.
      if (time === this.#t && this.#attrs.times !== undefined) {
        this.#emitStanding();
        continue;
      }
      const theta = (time - start) / h;
      const outputs = yield* this.#runWith(dense, [theta, h], [...before, ...this.#stages]);
      const event: SolveEvent = { kind: 'dense', index: this.#nextObservation, theta, h };
      this.#log.note(event, outputs.slice(plain.dense));
      this.#record(outputs.slice(0, plain.dense));
    }
  }

  #emitStanding(): void {
    this.#log.note({ kind: 'emit', index: this.#nextObservation }, []);
    this.#record(this.#y.map((slot) => slot.retain()));
  }

  #record(leaves: readonly Slot[]): void {
    leaves.forEach((slot, leaf) => {
      this.#observed[leaf].push(slot);
    });
    this.#nextObservation++;
  }

  // Jump

  /** y ← keep · y + jump, at the observation just made. */
  #jump(): void {
    const index = this.#nextObservation - 1;
    const { jumps, body } = this.#attrs;
    const count = this.#times.length;
    let next = 0;
    jumps.forEach((jump, leaf) => {
      if (jump === undefined) return;
      const { shape, dtype } = body.inputs[1 + leaf];
      const stack = { shape: [count - 2, ...shape], dtype };
      const addend = sliceOf(this.#backend, this.#inputs.jumps[next++], stack, index - 1);
      const old = this.#y[leaf];
      if (jump.keep) {
        const spec = { shape, dtype };
        this.#y[leaf] = runKernel(this.#backend, p.add, [
          { slot: old, spec },
          { slot: addend, spec },
        ]);
        addend.release();
      } else {
        this.#y[leaf] = addend;
      }
      old.release();
    });
    this.#log.note({ kind: 'jump', index }, []);
  }

  // Finiteness of fixed steps, which have no error estimate to show it: looked at every so many steps, all at once

  *#probe(): Run<void> {
    const [probe] = yield* runGraph(this.#graphs.finite, this.#y, this.#backend);
    this.#probes.push({ time: this.#t, probe: probe as DeviceBuffer });
    if (this.#probes.length >= finiteCheckInterval) yield* this.#checkProbes();
  }

  *#checkProbes(): Run<void> {
    if (this.#probes.length === 0) return;
    const spec = { shape: [], dtype: this.#scalarType };
    const slots = this.#probes.map(({ probe }) => probe);
    const values = yield* this.#read(stackOf(this.#backend, slots, spec));
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const { time } = this.#probes[bad];
      throw new NonFiniteError(time, this.#attrs.pass, 'the field or the state is not finite');
    }
    releaseAll(slots);
    this.#probes.length = 0;
  }
}
