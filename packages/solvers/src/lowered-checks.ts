/** Whether the numbers of a compiled solve are still finite, and how it fails where they are not. */
import type { Block, Lowering, Num, Test } from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';
import { NonFiniteError, StepSizeError, stateError } from './errors.ts';
import type { LoweredGraphs } from './lowered-graphs.ts';
import type { LoweredReport } from './lowered-report.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';

export class LoweredChecks {
  readonly #code: Lowering;
  readonly #attrs: OdeSolveAttrs;
  readonly #graphs: LoweredGraphs;
  readonly #report: LoweredReport;

  constructor(code: Lowering, attrs: OdeSolveAttrs, graphs: LoweredGraphs, report: LoweredReport) {
    this.#code = code;
    this.#attrs = attrs;
    this.#graphs = graphs;
    this.#report = report;
  }

  #notFinite(leaves: readonly Block[]): Test {
    const code = this.#code;
    const probe = code.block(this.#graphs.probe);
    this.#graphs.run('finite', leaves, [probe]);
    return code.numbers.not(code.numbers.isFinite(code.element(probe)));
  }

  /** Before the first step, at `t`. Finite values can have norms that are not: squares overflow. */
  requireFinite(norm: Num, leaves: readonly Block[], what: string, t: Num): void {
    const code = this.#code;
    const { pass } = this.#attrs;
    code.when(code.numbers.not(code.numbers.isFinite(norm)), () => {
      code.when(this.#notFinite(leaves), () => {
        const error = (at: number): Error => new NonFiniteError(at, pass, `${what} is not finite`);
        this.#report.fail('non-finite', error, t);
      });
    });
  }

  /** Looks at the state that a step has reached. */
  look(state: readonly Block[], from: Num, to: Num, initial: Test): void {
    const { pass } = this.#attrs;
    const error = (a: number, b: number, first: boolean): Error => stateError(a, b, first, pass);
    this.#code.when(this.#notFinite(state), () => {
      this.#code.when(initial, () =>
        this.#report.fail('non-finite', (a, b) => error(a, b, true), from, to),
      );
      this.#report.fail('non-finite', (a, b) => error(a, b, false), from, to);
    });
  }

  /** Gives up at `t`, since steps of `size` are too short to move on. */
  giveUp(error: Num, t: Num, size: Num): void {
    const { control, pass, body } = this.#attrs;
    this.#code.when(this.#code.numbers.not(this.#code.numbers.isFinite(error)), () => {
      const failure = (at: number): Error =>
        new NonFiniteError(at, pass, 'the field or the state is not finite');
      this.#report.fail('non-finite', failure, t);
    });
    const failure = (at: number, step: number): Error =>
      new StepSizeError(at, pass, step, control as AdaptiveControl, body.inputs[0].dtype);
    this.#report.fail('step-size-vanished', failure, t, size);
  }
}
