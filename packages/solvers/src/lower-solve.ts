/**
 * A solve as code for a compiling backend: the run loop of run.ts, written down once and then run by the program.
 *
 * The graphs are the same, and so are the decisions; the two are held to each other by tests. What looks on while a solve
 * runs (a witness), implicit steps, batched steps and stops are left to run.ts.
 */
import type { Block, Graph, Lowering, Num, PreparedGraph, Test, Variable } from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';
import { MaxStepsError, NonFiniteError, type SolveStatus, StepSizeError } from './errors.ts';
import {
  type Course,
  LoweredAdaptivePace,
  type LoweredPace,
  type LoweredStride,
  loweredFixedPace,
} from './lowered-pace.ts';
import { type OdeSolveAttrs, type SolveInputs, solveInputs } from './solve-attrs.ts';
import type { SolveEvent } from './solve-log.ts';
import { plainGraphs, type RunnableGraphs } from './step-graphs.ts';
import { heed } from './step-report.ts';
import type { Tableau } from './tableau.ts';
import { requireTimes } from './times.ts';

/** An event of the solve (solve-log.ts) that is being recorded. */
export interface LoweredEvent {
  /** Where the graph's further outputs go. */
  readonly residuals: readonly (Block | undefined)[];
  /** Makes it part of the record, with the event's numbers in the order of solve-log.ts, `kind` left out; of a step also t. */
  keep(...numbers: Num[]): void;
}

/** Who keeps a record of the solve, for backpropagation. */
export interface LoweredLog {
  begin(kind: SolveEvent['kind']): LoweredEvent;
}

const nobody: LoweredLog = { begin: () => ({ residuals: [], keep: () => {} }) };

/** Why a solve is left to run.ts; nothing where it is not. */
export function refusesLowering(attrs: OdeSolveAttrs): string | undefined {
  if (attrs.batch !== undefined) return 'the rows of its batch step on their own';
  const { name, tableau } = attrs.method;
  if (tableau === undefined) return `${name} is not a Runge-Kutta method`;
  if (tableau.implicit !== undefined) return `${name} is implicit`;
  if (attrs.witness !== undefined) return 'its steps are looked at while it runs';
  if (attrs.stops !== undefined) return 'it has times to stop at';
  return undefined;
}

/** Writes the code of an `odeSolve` node. */
export function lowerOdeSolve(
  code: Lowering,
  inputs: readonly Block[],
  outputs: readonly Block[],
  attrs: OdeSolveAttrs,
  graphs: RunnableGraphs = plainGraphs(attrs),
  log: LoweredLog = nobody,
): void {
  new LoweredSolve(code, inputs, outputs, attrs, graphs, log).write();
}

type SolveGraph = 'start' | 'field' | 'step' | 'extend' | 'dense' | 'size' | 'curvature' | 'finite';

class LoweredSolve {
  readonly #code: Lowering;
  readonly #inputs: SolveInputs<Block>;
  readonly #outputs: readonly Block[];
  readonly #attrs: OdeSolveAttrs;
  readonly #tableau: Tableau;
  readonly #recorded: Readonly<Partial<Record<SolveGraph, Graph>>>;
  readonly #prepared: Partial<Record<SolveGraph, PreparedGraph>> = {};
  readonly #log: LoweredLog;
  readonly #count: number;
  readonly #jumping: boolean;
  readonly #time: (index: Num) => Num;
  readonly #course: Course;
  readonly #t: Variable;
  readonly #next: Variable;
  readonly #nfe: Variable;
  readonly #accepted: Variable;
  readonly #rejected: Variable;
  readonly #y: readonly Block[];
  readonly #after: readonly Block[];
  /** All stages of the latest step, leaf by leaf; where the method keeps its first one, that is where it is kept. */
  readonly #stages: readonly Block[];
  /** Those that only the interpolant needs, and whether they were evaluated in this step. */
  readonly #further: readonly Block[];
  readonly #extended: Variable;
  readonly #pace: LoweredPace;
  #segment: { index: Num; from: Num; to: Num };

  constructor(
    code: Lowering,
    inputs: readonly Block[],
    outputs: readonly Block[],
    attrs: OdeSolveAttrs,
    graphs: RunnableGraphs,
    log: LoweredLog,
  ) {
    this.#code = code;
    this.#inputs = solveInputs(inputs, attrs);
    this.#outputs = outputs;
    this.#attrs = attrs;
    this.#log = log;
    const n = code.numbers;
    const { leaves, control, body } = attrs;
    const tableau = attrs.method.tableau as Tableau;
    this.#tableau = tableau;
    const { kind } = attrs.method.course().plan(0, 0);
    const { step, extend, observe } = graphs.of(kind);
    this.#recorded = {
      ...(graphs.start && { start: graphs.start }),
      field: graphs.field,
      step,
      ...(extend && { extend }),
      // one observation at a time
      dense: observe(1),
      ...(graphs.size && { size: graphs.size }),
      ...(graphs.curvature && { curvature: graphs.curvature }),
      finite: graphs.finite,
    };
    const state = body.inputs.slice(1, 1 + leaves);
    const blocks = (): Block[] => state.map((spec) => code.block(spec));
    this.#count = outputs[0].shape[0];
    this.#jumping = attrs.jumps.some((jump) => jump !== undefined);
    this.#time = this.#times();
    const from = this.#time(0);
    const end = this.#time(this.#count - 1);
    this.#course = { from, end, direction: n.choose(n.lessEqual(from, end), 1, -1) };
    this.#t = code.variable(from);
    this.#next = code.variable(0);
    this.#nfe = code.variable(0);
    this.#accepted = code.variable(0);
    this.#rejected = code.variable(0);
    this.#extended = code.variable(0);
    this.#y = blocks();
    this.#after = blocks();
    this.#stages = tableau.c.flatMap(blocks);
    this.#further = tableau.denseStages?.c.flatMap(blocks) ?? [];
    this.#segment = { index: 0, from, to: end };
    this.#pace =
      control.kind === 'fixed'
        ? loweredFixedPace(code, control, this.#course)
        : new LoweredAdaptivePace(code, control, this.#course);
    this.#prepareGraphs(state.length);
  }

  /** Reads the times; those that are an input are looked at first, on the host. */
  #times(): (index: Num) => Num {
    const code = this.#code;
    const { times } = this.#attrs;
    if (times !== undefined) return code.table(times);
    const n = code.numbers;
    const stack = this.#inputs.times as Block;
    const list: number[] = [];
    code.call(() => {
      list.length = 0;
    });
    const index = code.variable(0);
    code.loop(
      () => n.less(index.get(), this.#count),
      () => {
        code.call((time) => list.push(time), code.element(stack, index.get()));
        index.set(n.add(index.get(), 1));
      },
    );
    code.call(() => requireTimes(list));
    return (at) => code.element(stack, at);
  }

  /** Each graph with its args, which do not change while the solve runs. */
  #prepareGraphs(leaves: number): void {
    const before: Record<SolveGraph, number> = {
      start: 1 + leaves,
      field: 1 + leaves,
      step: 2 + leaves + (this.#tableau.fsal ? leaves : 0),
      extend: 2 + leaves + this.#stages.length,
      dense: 2 + leaves + this.#stages.length + this.#further.length,
      size: 2 * leaves,
      curvature: 2 + 2 * leaves,
      finite: leaves,
    };
    for (const [name, count] of Object.entries(before)) {
      const graph = this.#recorded[name as SolveGraph];
      if (graph === undefined) continue;
      const none = new Array<undefined>(count).fill(undefined);
      const args = graph.inputs.length > count ? this.#inputs.args : [];
      this.#prepared[name as SolveGraph] = this.#code.prepare(graph, [...none, ...args]);
    }
  }

  #run(
    name: SolveGraph,
    inputs: readonly (Block | Num)[],
    outputs: readonly (Block | undefined)[],
  ): void {
    const { args } = this.#inputs;
    const takesArgs = ['start', 'field', 'step', 'extend', 'curvature'].includes(name);
    this.#prepared[name]?.run(takesArgs ? [...inputs, ...args] : inputs, outputs);
  }

  write(): void {
    const code = this.#code;
    const n = code.numbers;
    const { fsal } = this.#tableau;
    this.#inputs.y0.forEach((from, leaf) => {
      code.copy(from, this.#y[leaf]);
    });
    this.#stand(this.#y);
    const adaptive = this.#pace instanceof LoweredAdaptivePace;
    if (!adaptive) this.#look(this.#course.from);
    const stretches = this.#jumping ? this.#count - 1 : 1;
    const index = code.variable(0);
    code.loop(
      () => n.less(index.get(), stretches),
      () => {
        const at = index.get();
        const to = this.#jumping ? this.#time(n.add(at, 1)) : this.#course.end;
        this.#segment = { index: at, from: this.#t.get(), to };
        if (fsal) this.#start();
        code.when(n.equal(at, 0), () => this.#chooseFirstStep());
        this.#pace.begin(this.#t.get());
        code.loop(
          () => n.not(n.equal(this.#t.get(), to)),
          () => this.#step(to),
        );
        this.#stand(this.#y);
        if (this.#jumping) code.when(n.less(at, stretches - 1), () => this.#jump());
        index.set(n.add(at, 1));
      },
    );
    if (adaptive) this.#look(this.#t.get());
    this.#report('success');
  }

  #increase(variable: Variable, by = 1): void {
    variable.set(this.#code.numbers.add(variable.get(), by));
  }

  // Telling

  #report(status: SolveStatus): void {
    const { onSolve, pass } = this.#attrs;
    if (onSolve === undefined) return;
    const none = { jacobians: 0, factorisations: 0 };
    this.#code.call(
      (nfe, accepted, rejected) => onSolve({ ...none, nfe, accepted, rejected, status, pass }),
      this.#nfe.get(),
      this.#accepted.get(),
      this.#rejected.get(),
    );
  }

  /** Ends the solve with what `error` makes of the numbers. */
  #fail(status: SolveStatus, error: (a: number, b: number) => Error, a: Num, b: Num = 0): void {
    this.#report(status);
    this.#code.call(
      (first, second) => {
        throw error(first, second);
      },
      a,
      b,
    );
  }

  #tell(h: Num, accepted: boolean): void {
    const { onStep, pass } = this.#attrs;
    if (onStep === undefined) return;
    const n = this.#code.numbers;
    const { from, end } = this.#course;
    const fraction = n.div(n.sub(this.#t.get(), from), n.sub(end, from));
    this.#code.call(
      (t, length, done) => onStep({ t, h: length, accepted, fraction: done, pass }),
      this.#t.get(),
      h,
      fraction,
    );
  }

  #heed(): void {
    const { signal, pass, onSolve } = this.#attrs;
    if (signal === undefined) return;
    const counts = { nfe: 0, accepted: 0, rejected: 0, jacobians: 0, factorisations: 0 };
    this.#code.call(
      (nfe, accepted, rejected) => Object.assign(counts, { nfe, accepted, rejected }),
      this.#nfe.get(),
      this.#accepted.get(),
      this.#rejected.get(),
    );
    this.#code.call((t) => {
      if (signal.aborted) onSolve?.({ ...counts, status: 'aborted', pass });
      heed(this.#attrs, t, pass);
    }, this.#t.get());
  }

  // Start

  #start(): void {
    const n = this.#code.numbers;
    const event = this.#log.begin('start');
    const t = this.#t.get();
    const k = this.#stages.slice(0, this.#attrs.leaves);
    this.#run('start', [t, ...this.#y], [...k, ...event.residuals]);
    this.#increase(this.#nfe);
    const { index, from, to } = this.#segment;
    event.keep(index, n.div(n.sub(t, from), n.sub(to, from)));
  }

  #chooseFirstStep(): void {
    const pace = this.#pace;
    const { control, leaves } = this.#attrs;
    if (!(pace instanceof LoweredAdaptivePace)) return;
    if ((control as AdaptiveControl).firstStep !== undefined) return;
    const code = this.#code;
    const n = code.numbers;
    const k = this.#stages.slice(0, leaves);
    if (!this.#tableau.fsal) {
      this.#run('field', [this.#t.get(), ...this.#y], k);
      this.#increase(this.#nfe);
    }
    const scalar = this.#attrs.body.inputs[0];
    const norms = code.block({ shape: [2], dtype: scalar.dtype });
    this.#run('size', [...this.#y, ...k], [norms]);
    const stateNorm = code.element(norms, 0);
    const fieldNorm = code.element(norms, 1);
    this.#requireFinite(stateNorm, this.#y, 'the initial state');
    this.#requireFinite(fieldNorm, k, 'the field');
    const trial = this.#trialStep(stateNorm, fieldNorm, pace.limit);
    const bend = code.block(scalar);
    const h = n.mul(trial, this.#course.direction);
    this.#run('curvature', [this.#t.get(), h, ...this.#y, ...k], [bend]);
    this.#increase(this.#nfe);
    pace.size.set(this.#firstStep(trial, fieldNorm, code.element(bend)));
  }

  /** `trialStep` of pace.ts. */
  #trialStep(stateNorm: Num, fieldNorm: Num, limit: Num): Num {
    const n = this.#code.numbers;
    const small = n.either(n.less(stateNorm, 1e-5), n.less(fieldNorm, 1e-5));
    const rough = n.choose(small, 1e-6, n.div(n.mul(0.01, stateNorm), fieldNorm));
    const sound = n.both(n.isFinite(rough), n.less(0, rough));
    return n.min(n.choose(sound, rough, 1e-6), limit);
  }

  /** `firstStep` of pace.ts. */
  #firstStep(trial: Num, fieldNorm: Num, bendNorm: Num): Num {
    const n = this.#code.numbers;
    const largest = n.max(fieldNorm, bendNorm);
    const exponent = 1 / ((this.#tableau.errorOrder as number) + 1);
    const fine = n.choose(
      n.less(1e-15, largest),
      n.pow(n.div(0.01, largest), exponent),
      n.max(1e-6, n.mul(trial, 1e-3)),
    );
    return n.choose(n.isFinite(largest), n.min(n.mul(100, trial), fine), trial);
  }

  /** Finite values can have norms that are not: squares overflow. */
  #requireFinite(norm: Num, leaves: readonly Block[], what: string): void {
    const code = this.#code;
    const { pass } = this.#attrs;
    code.when(code.numbers.not(code.numbers.isFinite(norm)), () => {
      code.when(this.#notFinite(leaves), () => {
        const error = (t: number): Error => new NonFiniteError(t, pass, `${what} is not finite`);
        this.#fail('non-finite', error, this.#t.get());
      });
    });
  }

  #notFinite(leaves: readonly Block[]): Test {
    const code = this.#code;
    const probe = code.block((this.#recorded.finite as Graph).outputs[0]);
    this.#run('finite', leaves, [probe]);
    return code.numbers.not(code.numbers.isFinite(code.element(probe)));
  }

  /** Looks whether the state is finite, after a step from `start`. */
  #look(start: Num): void {
    const { pass } = this.#attrs;
    const n = this.#code.numbers;
    const time = this.#t.get();
    const initial = n.equal(time, this.#course.from);
    const error = (from: number, to: number, first: boolean): Error => {
      const what =
        from !== to
          ? `the field or the state is not finite after the step from t = ${from},`
          : `the ${first ? 'initial ' : ''}state is not finite`;
      return new NonFiniteError(to, pass, what);
    };
    this.#code.when(this.#notFinite(this.#y), () => {
      this.#code.when(initial, () =>
        this.#fail('non-finite', (a, b) => error(a, b, true), start, time),
      );
      this.#fail('non-finite', (a, b) => error(a, b, false), start, time);
    });
  }

  // Step

  /** Whether anything is observed inside a step. */
  get #interpolates(): boolean {
    return !this.#jumping && this.#count > 2;
  }

  #step(landing: Num): void {
    const code = this.#code;
    const { leaves, control, pass } = this.#attrs;
    const tableau = this.#tableau;
    const n = code.numbers;
    this.#heed();
    const tried = n.add(this.#accepted.get(), this.#rejected.get());
    code.when(n.lessEqual(control.maxSteps, tried), () => {
      const error = (t: number, end: number): Error =>
        new MaxStepsError(t, pass, control.maxSteps, end);
      this.#fail('max-steps-reached', error, this.#t.get(), this.#course.end);
    });
    const t = this.#t.get();
    const stride = this.#pace.stride(t, landing);
    const event = this.#log.begin('step');
    const first = tableau.fsal ? leaves : 0;
    const k = this.#stages.slice(0, first);
    const fresh = this.#stages.slice(first);
    // what neither the next step nor an interpolant reads is not worth keeping
    const last = fresh.length - (tableau.fsal ? leaves : 0);
    const kept = this.#interpolates ? fresh : fresh.map((each, i) => (i < last ? undefined : each));
    const pace = this.#pace;
    const adaptive = pace instanceof LoweredAdaptivePace;
    const norm = adaptive ? [code.block((this.#recorded.finite as Graph).outputs[0])] : [];
    const outputs = [...this.#after, ...kept, ...norm, ...event.residuals];
    this.#run('step', [t, stride.h, ...this.#y, ...k], outputs);
    this.#increase(this.#nfe, tableau.c.length - (tableau.fsal ? 1 : 0));
    if (!adaptive) {
      this.#accept(stride, t, event);
      return;
    }
    const error = code.element(norm[0]);
    pace.judge(
      stride,
      error,
      () => this.#accept(stride, t, event),
      () => {
        this.#increase(this.#rejected);
        code.when(pace.vanished(t), () => this.#giveUp(error, t, pace));
        this.#tell(stride.h, false);
      },
    );
  }

  #giveUp(error: Num, t: Num, { size }: LoweredAdaptivePace): void {
    const { control, pass, body } = this.#attrs;
    this.#code.when(this.#code.numbers.not(this.#code.numbers.isFinite(error)), () => {
      const failure = (at: number): Error =>
        new NonFiniteError(at, pass, 'the field or the state is not finite');
      this.#fail('non-finite', failure, t);
    });
    const failure = (at: number, step: number): Error =>
      new StepSizeError(at, pass, step, control as AdaptiveControl, body.inputs[0].dtype);
    this.#fail('step-size-vanished', failure, t, size.get());
  }

  #accept({ next, h }: LoweredStride, start: Num, event: LoweredEvent): void {
    const code = this.#code;
    const n = code.numbers;
    const { leaves, control } = this.#attrs;
    const tableau = this.#tableau;
    const { index, from, to } = this.#segment;
    const span = n.sub(to, from);
    this.#increase(this.#accepted);
    event.keep(index, n.div(n.sub(start, from), span), n.div(h, span), h, start);
    this.#t.set(next);
    if (this.#interpolates) this.#observeInside(start, h, next);
    const copy = (from: readonly Block[], to: readonly Block[]): void => {
      from.forEach((block, i) => {
        code.copy(block, to[i]);
      });
    };
    copy(this.#after, this.#y);
    if (tableau.fsal) copy(this.#stages.slice(-leaves), this.#stages.slice(0, leaves));
    if (control.kind === 'fixed') this.#look(start);
    this.#tell(h, true);
  }

  // Observe

  #record(leaves: readonly Block[]): void {
    const at = this.#next.get();
    leaves.forEach((block, leaf) => {
      this.#code.copy(block, this.#code.row(this.#outputs[leaf], at));
    });
    this.#increase(this.#next);
  }

  /** Observes the state as it stands. */
  #stand(y: readonly Block[]): void {
    this.#log.begin('emit').keep(this.#next.get());
    this.#record(y);
  }

  /** Observes all times inside a step. */
  #observeInside(start: Num, h: Num, end: Num): void {
    const code = this.#code;
    const n = code.numbers;
    this.#extended.set(0);
    const due = (): Test => {
      // beyond the last time there is none to read; and the last is observed when the solve is done
      const last = n.less(this.#next.get(), this.#count - 1);
      const time = this.#time(n.min(this.#next.get(), this.#count - 1));
      const passed = n.lessEqual(n.mul(n.sub(time, end), this.#course.direction), 0);
      return n.both(last, passed);
    };
    code.loop(due, () => {
      const time = this.#time(this.#next.get());
      const between = (): void => this.#interpolate(n.div(n.sub(time, start), h), start, h);
      // Where a derivative by this time may be asked for, the interpolant must say how the state moves with it.
      if (this.#attrs.times === undefined) between();
      else code.when(n.equal(time, end), () => this.#stand(this.#after), between);
    });
  }

  #interpolate(theta: Num, start: Num, h: Num): void {
    const code = this.#code;
    const n = code.numbers;
    if (this.#further.length > 0) {
      code.when(n.equal(this.#extended.get(), 0), () => {
        const event = this.#log.begin('extend');
        const inputs = [start, h, ...this.#y, ...this.#stages];
        this.#run('extend', inputs, [...this.#further, ...event.residuals]);
        this.#increase(this.#nfe, this.#further.length / this.#attrs.leaves);
        event.keep(h);
        this.#extended.set(1);
      });
    }
    const event = this.#log.begin('dense');
    const at = this.#next.get();
    const rows = this.#outputs.map((stack) => code.row(stack, at));
    const inputs = [theta, h, ...this.#y, ...this.#stages, ...this.#further];
    this.#run('dense', inputs, [...rows, ...event.residuals]);
    event.keep(at, theta, h);
    this.#increase(this.#next);
  }

  // Jump

  /** y ← keep · y + jump, at the observation just made. */
  #jump(): void {
    const code = this.#code;
    const index = code.numbers.sub(this.#next.get(), 1);
    let next = 0;
    this.#attrs.jumps.forEach((jump, leaf) => {
      if (jump === undefined) return;
      const addend = code.row(this.#inputs.jumps[next++], code.numbers.sub(index, 1));
      const y = this.#y[leaf];
      if (jump.keep) code.combine([1, 1], [y, addend], y);
      else code.copy(addend, y);
    });
    this.#log.begin('jump').keep(index);
  }
}
