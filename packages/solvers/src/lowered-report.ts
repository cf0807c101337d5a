/** What a compiled solve counts, and tells its caller: progress, statistics, and why it failed. */
import type { Lowering, Num, Variable } from '@neuralode/tensor';
import type { SolveStatus } from './errors.ts';
import type { Course } from './lowered-pace.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';
import { heed } from './step-report.ts';

export class LoweredReport {
  readonly #code: Lowering;
  readonly #attrs: OdeSolveAttrs;
  readonly #course: Course;
  readonly nfe: Variable;
  readonly accepted: Variable;
  readonly rejected: Variable;

  constructor(code: Lowering, attrs: OdeSolveAttrs, course: Course) {
    this.#code = code;
    this.#attrs = attrs;
    this.#course = course;
    this.nfe = code.variable(0);
    this.accepted = code.variable(0);
    this.rejected = code.variable(0);
  }

  count(variable: Variable, by = 1): void {
    variable.set(this.#code.numbers.add(variable.get(), by));
  }

  /** Hands the statistics over: the solve has ended so. */
  end(status: SolveStatus): void {
    const { onSolve, pass } = this.#attrs;
    if (onSolve === undefined) return;
    const none = { jacobians: 0, factorisations: 0 };
    this.#code.call(
      (nfe, accepted, rejected) => onSolve({ ...none, nfe, accepted, rejected, status, pass }),
      this.nfe.get(),
      this.accepted.get(),
      this.rejected.get(),
    );
  }

  /** Ends the solve with what `error` makes of the numbers. */
  fail(status: SolveStatus, error: (a: number, b: number) => Error, a: Num, b: Num = 0): void {
    this.end(status);
    this.#code.call(
      (first, second) => {
        throw error(first, second);
      },
      a,
      b,
    );
  }

  /** Tells of a step of `h` that leaves the solve at `t`. */
  tell(t: Num, h: Num, accepted: boolean): void {
    const { onStep, pass } = this.#attrs;
    if (onStep === undefined) return;
    const n = this.#code.numbers;
    const { from, end } = this.#course;
    const fraction = n.div(n.sub(t, from), n.sub(end, from));
    this.#code.call(
      (at, length, done) => onStep({ t: at, h: length, accepted, fraction: done, pass }),
      t,
      h,
      fraction,
    );
  }

  /** Stops at `t` where it is asked to. */
  heed(t: Num): void {
    const { signal, pass, onSolve } = this.#attrs;
    if (signal === undefined) return;
    const counts = { nfe: 0, accepted: 0, rejected: 0, jacobians: 0, factorisations: 0 };
    this.#code.call(
      (nfe, accepted, rejected) => Object.assign(counts, { nfe, accepted, rejected }),
      this.nfe.get(),
      this.accepted.get(),
      this.rejected.get(),
    );
    this.#code.call((at) => {
      if (signal.aborted) onSolve?.({ ...counts, status: 'aborted', pass });
      heed(this.#attrs, at, pass);
    }, t);
  }
}
