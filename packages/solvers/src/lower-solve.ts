/**
 * A solve as code for a compiling backend: the run loop of run.ts, written down once and then run by the program.
 *
 * The graphs are the same, and so are the decisions; the two are held to each other by tests. What looks on while a solve
 * runs (a witness), implicit steps, batched steps and stops are left to run.ts.
 */
import type { Block, Lowering, Num, Test, Variable } from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';
import { MaxStepsError } from './errors.ts';
import { LoweredChecks } from './lowered-checks.ts';
import { LoweredGraphs } from './lowered-graphs.ts';
import {
  type Course,
  LoweredAdaptivePace,
  type LoweredPace,
  type LoweredStride,
  loweredFirstStep,
  loweredFixedPace,
  loweredTrialStep,
} from './lowered-pace.ts';
import { LoweredReport } from './lowered-report.ts';
import { type OdeSolveAttrs, type SolveInputs, solveInputs } from './solve-attrs.ts';
import type { SolveEvent } from './solve-log.ts';
import { plainGraphs, type RunnableGraphs } from './step-graphs.ts';
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

class LoweredSolve {
  readonly #code: Lowering;
  readonly #inputs: SolveInputs<Block>;
  readonly #outputs: readonly Block[];
  readonly #attrs: OdeSolveAttrs;
  readonly #tableau: Tableau;
  readonly #graphs: LoweredGraphs;
  readonly #report: LoweredReport;
  readonly #checks: LoweredChecks;
  readonly #log: LoweredLog;
  readonly #count: number;
  readonly #jumping: boolean;
  readonly #time: (index: Num) => Num;
  readonly #course: Course;
  readonly #t: Variable;
  readonly #next: Variable;
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
    this.#report = new LoweredReport(code, attrs, this.#course);
    this.#graphs = new LoweredGraphs(code, attrs, graphs, this.#inputs.args);
    this.#checks = new LoweredChecks(code, attrs, this.#graphs, this.#report);
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
    this.#report.end('success');
  }

  // Start

  #start(): void {
    const n = this.#code.numbers;
    const event = this.#log.begin('start');
    const t = this.#t.get();
    const k = this.#stages.slice(0, this.#attrs.leaves);
    this.#graphs.run('start', [t, ...this.#y], [...k, ...event.residuals]);
    this.#report.count(this.#report.nfe);
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
    const t = this.#t.get();
    const k = this.#stages.slice(0, leaves);
    if (!this.#tableau.fsal) {
      this.#graphs.run('field', [this.#t.get(), ...this.#y], k);
      this.#report.count(this.#report.nfe);
    }
    const scalar = this.#attrs.body.inputs[0];
    const norms = code.block({ shape: [2], dtype: scalar.dtype });
    this.#graphs.run('size', [...this.#y, ...k], [norms]);
    const stateNorm = code.element(norms, 0);
    const fieldNorm = code.element(norms, 1);
    this.#checks.requireFinite(stateNorm, this.#y, 'the initial state', t);
    this.#checks.requireFinite(fieldNorm, k, 'the field', t);
    const trial = loweredTrialStep(code, stateNorm, fieldNorm, pace.limit);
    const bend = code.block(scalar);
    const h = n.mul(trial, this.#course.direction);
    this.#graphs.run('curvature', [this.#t.get(), h, ...this.#y, ...k], [bend]);
    this.#report.count(this.#report.nfe);
    const { errorOrder } = this.#tableau;
    const bendNorm = code.element(bend);
    pace.size.set(loweredFirstStep(code, trial, fieldNorm, bendNorm, errorOrder as number));
  }

  /** Looks whether the state is finite, after a step from `start`. */
  #look(start: Num): void {
    const time = this.#t.get();
    const initial = this.#code.numbers.equal(time, this.#course.from);
    this.#checks.look(this.#y, start, time, initial);
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
    this.#report.heed(this.#t.get());
    const tried = n.add(this.#report.accepted.get(), this.#report.rejected.get());
    code.when(n.lessEqual(control.maxSteps, tried), () => {
      const error = (t: number, end: number): Error =>
        new MaxStepsError(t, pass, control.maxSteps, end);
      this.#report.fail('max-steps-reached', error, this.#t.get(), this.#course.end);
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
    const norm = adaptive ? [code.block(this.#graphs.probe)] : [];
    const outputs = [...this.#after, ...kept, ...norm, ...event.residuals];
    this.#graphs.run('step', [t, stride.h, ...this.#y, ...k], outputs);
    this.#report.count(this.#report.nfe, tableau.c.length - (tableau.fsal ? 1 : 0));
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
        this.#report.count(this.#report.rejected);
        code.when(pace.vanished(t), () => this.#checks.giveUp(error, t, pace.size.get()));
        this.#report.tell(t, stride.h, false);
      },
    );
  }

  #accept({ next, h }: LoweredStride, start: Num, event: LoweredEvent): void {
    const code = this.#code;
    const n = code.numbers;
    const { leaves, control } = this.#attrs;
    const tableau = this.#tableau;
    const { index, from, to } = this.#segment;
    const span = n.sub(to, from);
    this.#report.count(this.#report.accepted);
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
    this.#report.tell(this.#t.get(), h, true);
  }

  // Observe

  #record(leaves: readonly Block[]): void {
    const at = this.#next.get();
    leaves.forEach((block, leaf) => {
      this.#code.copy(block, this.#code.row(this.#outputs[leaf], at));
    });
    this.#report.count(this.#next);
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
        this.#graphs.run('extend', inputs, [...this.#further, ...event.residuals]);
        this.#report.count(this.#report.nfe, this.#further.length / this.#attrs.leaves);
        event.keep(h);
        this.#extended.set(1);
      });
    }
    const event = this.#log.begin('dense');
    const at = this.#next.get();
    const rows = this.#outputs.map((stack) => code.row(stack, at));
    const inputs = [theta, h, ...this.#y, ...this.#stages, ...this.#further];
    this.#graphs.run('dense', inputs, [...rows, ...event.residuals]);
    event.keep(at, theta, h);
    this.#report.count(this.#next);
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
