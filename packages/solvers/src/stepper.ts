/**
 * The steps of one run: plans them, tries them, and keeps what one leaves to the next. Where they lead, and whether they
 * stand, is the loop's affair (run.ts).
 */
import { type Backend, type Graph, type Run, releaseAll, type Slot } from '@neuralode/tensor';
import { readNumbers, runWithNumbers, type Uploadable } from './host-numbers.ts';
import { type Inherited, NewtonWork } from './implicit/newton-work.ts';
import type { Course, KindGraphs, PlannedStep, StepKind } from './method.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';
import type { SolveEvent, SolveLog, Standing, StepEvent } from './solve-log.ts';
import type { RunnableGraphs } from './step-graphs.ts';

/** A step that was tried. Its slots are whoever's takes it over: `keep` or `discard`. */
export interface Attempt {
  readonly planned: PlannedStep;
  /** Of an implicit step. */
  readonly inherited?: Inherited;
  /** y₁, then the fresh groups. */
  readonly outputs: readonly Slot[];
  readonly residuals: readonly Slot[];
  /** Empty in fixed steps; the first decides. */
  readonly errors: readonly number[];
}

/** The step that was kept last, until the next one. */
interface Kept {
  readonly planned: PlannedStep;
  /** Its given and its fresh groups; then the further ones, once made. */
  readonly groups: Slot[];
}

export class Stepper {
  readonly #attrs: OdeSolveAttrs;
  readonly #args: readonly Slot[];
  readonly #backend: Backend;
  readonly #graphs: RunnableGraphs;
  readonly #log: SolveLog;
  readonly course: Course;
  /** What the Newton iterations of an implicit method share, and count. */
  work: NewtonWork | undefined;
  /** What earlier steps left, newest group first. */
  #memory: Slot[] = [];
  #latest: Kept | undefined;
  #evaluations = 0;
  /** Whether the log knows where the solve stands. */
  #told = false;

  constructor(
    attrs: OdeSolveAttrs,
    args: readonly Slot[],
    backend: Backend,
    graphs: RunnableGraphs,
    log: SolveLog,
  ) {
    this.#attrs = attrs;
    this.#args = args;
    this.#backend = backend;
    this.#graphs = graphs;
    this.#log = log;
    this.course = attrs.method.course();
    this.work = attrs.method.implicit ? new NewtonWork(attrs.method.slowRate) : undefined;
  }

  /** Evaluations of the field so far. */
  get evaluations(): number {
    return this.#evaluations + (this.work?.evaluations ?? 0);
  }

  /** Makes the memory anew, from the state at t; `event` is what the log is told. */
  *begin(t: number, y: readonly Slot[], event: SolveEvent): Run<void> {
    this.course.begin(t);
    this.#told = false;
    releaseAll(this.#memory);
    this.#memory = [];
    const { start, own } = this.#graphs;
    if (start === undefined) return;
    const outputs = yield* this.#run(start, [t], [...y, ...this.#args]);
    this.#evaluations += this.#attrs.method.startEvaluations ?? 1;
    const count = (own.start as Graph).outputs.length;
    this.#memory = outputs.slice(0, count);
    this.#log.note(event, outputs.slice(count));
  }

  /** f(t, y) at the start of a solve, for the choice of its first step. The caller owns it. */
  *slope(t: number, y: readonly Slot[]): Run<Slot[]> {
    const { leaves, method } = this.#attrs;
    if (method.start === 'field') {
      return this.#memory.slice(0, leaves).map((slot) => slot.retain());
    }
    this.#evaluations++;
    return yield* this.#run(this.#graphs.own.field, [t], [...y, ...this.#args]);
  }

  /** The measure of how the field bends, for the choice of the first step. */
  *bend(t: number, trial: number, y: readonly Slot[], f: readonly Slot[]): Run<number> {
    this.#evaluations++;
    const operands = [...y, ...f, ...this.#args];
    const [norm] = yield* this.#run(this.#graphs.curvature as Graph, [t, trial], operands);
    const [value] = yield* readNumbers(norm);
    return value;
  }

  /** Tries a step from `t` over `h`. */
  *attempt(t: number, h: number, y: readonly Slot[]): Run<Attempt> {
    this.#tellStanding(y);
    const planned = this.course.plan(t, h);
    const { kind, newtonWeight = 1 } = planned;
    const inherited = kind.implicit ? this.work?.attempt(h * newtonWeight) : undefined;
    const attempt = yield* this.#try(planned, t, h, y);
    return inherited === undefined ? attempt : { ...attempt, inherited };
  }

  #tellStanding(y: readonly Slot[]): void {
    if (this.#told) return;
    this.#told = true;
    this.#log.stands?.(this.standing(y));
  }

  /** Where a solve with this state stands; borrowed. */
  standing(y: readonly Slot[]): Standing {
    const { work } = this;
    return { y, memory: this.#memory, ...(work && { work }) };
  }

  /** Goes on from where another solve stood, but for its state. */
  resume({ memory, work }: Standing): void {
    releaseAll(this.#memory);
    this.#memory = memory.map((slot) => slot.retain());
    this.work?.release();
    this.work = work?.copy();
  }

  /** Takes a step once more that was accepted before. Returns y₁, which is the caller's. */
  *repeat(event: StepEvent, y: readonly Slot[]): Run<Slot[]> {
    const { planned, inherited, t, h } = event;
    if (inherited !== undefined) this.work?.repeat(h * (planned.newtonWeight ?? 1), inherited);
    return this.keep(yield* this.#try(planned, t, h, y), event);
  }

  *#try(planned: PlannedStep, t: number, h: number, y: readonly Slot[]): Run<Attempt> {
    const { leaves } = this.#attrs;
    const { kind } = planned;
    const operands = [...y, ...this.#memory.slice(0, kind.given * leaves), ...this.#args];
    if (kind.implicit) operands.push(this.work as NewtonWork);
    // An explicit step leaves behind what an iteration kept.
    else this.work?.jump();
    const { step } = this.#graphs.of(kind);
    const outputs = yield* this.#run(step, numbersOf(planned, t, h), operands);
    this.#evaluations += kind.cost.step.evaluations;
    this.work?.charge(kind.cost.step);
    const own = this.#own(kind).step.outputs.length;
    const estimated = own > (1 + kind.fresh) * leaves;
    if (!estimated) {
      const [state, residuals] = [outputs.slice(0, own), outputs.slice(own)];
      return { planned, outputs: state, residuals, errors: [] };
    }
    const [norms] = outputs.splice(own - 1, 1);
    try {
      const errors = yield* readNumbers(norms);
      const [state, residuals] = [outputs.slice(0, own - 1), outputs.slice(own - 1)];
      return { planned, outputs: state, residuals, errors };
    } catch (error) {
      releaseAll(outputs);
      throw error;
    }
  }

  discard({ outputs, residuals }: Attempt): void {
    releaseAll([...outputs, ...residuals]);
  }

  /** The step stands. Returns y₁, which is the caller's. */
  keep({ planned, outputs, residuals }: Attempt, event: SolveEvent): Slot[] {
    const { leaves, method } = this.#attrs;
    const { given, leaves: left } = planned.kind;
    this.work?.accept();
    this.#told = false;
    this.#log.note(event, residuals);
    const fresh = outputs.slice(leaves);
    if (this.#latest !== undefined) releaseAll(this.#latest.groups);
    const used = this.#memory.slice(0, given * leaves).map((slot) => slot.retain());
    this.#latest = { planned, groups: [...used, ...fresh] };
    const newest = left.flatMap((group) => fresh.slice(group * leaves, (group + 1) * leaves));
    const memory = [...newest.map((slot) => slot.retain()), ...this.#memory];
    releaseAll(memory.splice(method.memory * leaves));
    this.#memory = memory;
    return outputs.slice(0, leaves);
  }

  /** The interpolant of the step kept last. */
  get dense(): Graph {
    return this.#own((this.#latest as Kept).planned.kind).dense;
  }

  /** What it is given beside θ, h and the state before; borrowed. What only it needs is made when first asked for. */
  *denseGroups(start: number, h: number, before: readonly Slot[]): Run<readonly Slot[]> {
    const { planned, groups } = this.#latest as Kept;
    const { kind } = planned;
    const { extend } = this.#graphs.of(kind);
    const complete = groups.length > (kind.given + kind.fresh) * this.#attrs.leaves;
    if (extend === undefined || complete) return groups;
    const operands = [...before, ...groups, ...this.#args];
    const outputs = yield* this.#run(extend, numbersOf(planned, start, h), operands);
    this.#evaluations += kind.cost.extend;
    const own = kind.further * this.#attrs.leaves;
    groups.push(...outputs.slice(0, own));
    this.#log.note({ kind: 'extend', step: kind, h }, outputs.slice(own));
    return groups;
  }

  /** Observations `index` and following, at these fractions of the step kept last: each leaf [observation, …]. */
  *interpolate(
    index: number,
    thetas: readonly number[],
    h: number,
    /** The state before that step, and its groups. */
    operands: readonly Slot[],
  ): Run<Slot[]> {
    const { kind } = (this.#latest as Kept).planned;
    const graph = this.#graphs.of(kind).observe(thetas.length);
    const outputs = yield* this.#run(graph, [thetas, h], operands);
    const { leaves } = this.#attrs;
    this.#log.note({ kind: 'dense', step: kind, index, thetas, h }, outputs.slice(leaves));
    return outputs.slice(0, leaves);
  }

  release(): void {
    releaseAll(this.#memory);
    if (this.#latest !== undefined) releaseAll(this.#latest.groups);
    this.work?.release();
  }

  #own(kind: StepKind): KindGraphs {
    return this.#graphs.own.of(kind);
  }

  #run(graph: Graph, numbers: readonly Uploadable[], slots: readonly Slot[]): Run<Slot[]> {
    return runWithNumbers(graph, numbers, slots, this.#backend);
  }
}

/** The inputs of a step's graph that are numbers of the host. */
function numbersOf({ kind, coefficients }: PlannedStep, t: number, h: number): Uploadable[] {
  return kind.coefficients === 0 ? [t, h] : [t, h, coefficients];
}
