/**
 * The states of a batched run, and what a step does to them: tries it, and moves the rows whose step stands. Which rows
 * those are, and where their steps lead, is the loop's affair (batched-run.ts).
 */
import type { Run, Slot } from '@neuralode/tensor';
import type { OdeSolveAttrs, SolveInputs } from '../solve-attrs.ts';
import type { Tableau } from '../tableau.ts';
import type { RowClock, RowStride } from './row-clock.ts';
import { type RowGraphs, type RunnableRowGraph, tableauOf } from './row-graphs.ts';
import type { Cell } from './row-log.ts';
import { type Attempt, hostNumbers, maskOf, type RowMachine, stretchOf } from './row-machine.ts';
import { chooseFirstSteps } from './row-start.ts';

export class RowStepper<R extends RunnableRowGraph> {
  readonly #attrs: OdeSolveAttrs;
  readonly #tableau: Tableau;
  readonly #graphs: RowGraphs<R>;
  readonly #machine: RowMachine<R>;
  readonly #rows: readonly RowClock[];
  readonly #jumps: readonly Cell[];
  readonly #args: readonly Cell[];
  #y: readonly Cell[];
  /** f(t, y), where the method keeps it from step to step. */
  #k: readonly Cell[] = [];
  /** What is integrated beside the state, so far. */
  #sums: readonly Cell[];
  #evaluations = 0;

  constructor(
    inputs: SolveInputs<Slot>,
    attrs: OdeSolveAttrs,
    graphs: RowGraphs<R>,
    machine: RowMachine<R>,
    rows: readonly RowClock[],
  ) {
    this.#attrs = attrs;
    this.#tableau = tableauOf(attrs);
    this.#graphs = graphs;
    this.#machine = machine;
    this.#rows = rows;
    const cells = (slots: readonly Slot[]): Cell[] =>
      slots.map((slot) => machine.cell(slot.retain()));
    this.#y = cells(inputs.y0);
    this.#jumps = cells(inputs.jumps);
    this.#args = cells(inputs.args);
    this.#sums = (attrs.quadrature?.outputs ?? []).map((spec) => machine.zeros(spec));
  }

  /** Evaluations of the field so far. */
  get evaluations(): number {
    return this.#evaluations;
  }

  /** The state as it stands. */
  get y(): readonly Cell[] {
    return this.#y;
  }

  /** Whether anything is integrated beside the state. */
  get integrates(): boolean {
    return this.#sums.length > 0;
  }

  get sums(): readonly Cell[] {
    return this.#sums;
  }

  /** What later steps depend on, beside the inputs of the node. */
  get standing(): readonly Cell[] {
    return [...this.#y, ...this.#k, ...this.#sums];
  }

  // Start

  /** Evaluates the first stage, where the method keeps it from step to step. */
  *begin(): Run<void> {
    if (this.#tableau.fsal) this.#k = yield* this.#evaluate();
  }

  /** f at the state as it stands. */
  *#evaluate(): Run<readonly Cell[]> {
    const strides = this.#rows.map((row) => row.still());
    this.#evaluations++;
    const reads = [...this.#y, ...this.#args];
    const given = { numbers: [hostNumbers('t', strides)], choices: [] };
    return yield* this.#machine.run(this.#graphs.field, given, reads);
  }

  /** Sets the size of every row's first step. */
  *chooseFirstSteps(fail: (what: string, row: number) => never): Run<void> {
    const { fsal, errorOrder } = this.#tableau;
    const k = fsal ? this.#k : yield* this.#evaluate();
    this.#evaluations++;
    const { plain } = this.#graphs;
    yield* chooseFirstSteps(this.#rows, errorOrder as number, plain, this.#machine, fail, {
      y: this.#y,
      k,
      args: this.#args,
    });
    if (!fsal) this.#machine.drop(k);
  }

  // Step

  /** Tries a step of every row. */
  *attempt(strides: readonly RowStride[]): Run<Attempt<R>> {
    const { leaves } = this.#attrs;
    const tableau = this.#tableau;
    const given = tableau.fsal ? 1 : 0;
    this.#evaluations += tableau.c.length - given;
    return yield* this.#machine.attempt(
      this.#graphs.step,
      leaves * (1 + tableau.c.length - given),
      stretchOf(strides),
      [...this.#y, ...this.#k, ...this.#args],
    );
  }

  /** All stages of a step that gave y₁ and the fresh ones, `kept`. */
  stagesOf(kept: readonly Cell[]): readonly Cell[] {
    return [...this.#k, ...kept.slice(this.#attrs.leaves)];
  }

  /** The stages that only the interpolant needs. */
  *extend(strides: readonly RowStride[], stages: readonly Cell[]): Run<readonly Cell[]> {
    const { extend } = this.#graphs;
    if (extend === undefined) return [];
    this.#evaluations += extend.plain / this.#attrs.leaves;
    const reads = [...this.#y, ...stages, ...this.#args];
    return yield* this.#machine.run(extend, stretchOf(strides), reads);
  }

  /**
   * The rows whose step stands take on the new state; and the new first stage. `strides` have no length in the others, and
   * `kept` are y₁ and the fresh stages.
   */
  *move(
    stands: readonly boolean[],
    strides: readonly RowStride[],
    kept: readonly Cell[],
  ): Run<void> {
    if (this.integrates) yield* this.#integrate(strides, this.stagesOf(kept));
    const { leaves } = this.#attrs;
    const { fsal } = this.#tableau;
    const before = [...this.#y, ...this.#k];
    const y1 = kept.slice(0, leaves);
    const last = fsal ? kept.slice(-leaves) : [];
    this.#y = yield* this.#choose(stands, this.#y, y1);
    if (fsal) this.#k = yield* this.#choose(stands, this.#k, last);
    const now = new Set([...this.#y, ...this.#k]);
    this.#machine.drop([...before, ...kept].filter((cell) => !now.has(cell)));
  }

  /** Adds the step to what is integrated beside the state. */
  *#integrate(strides: readonly RowStride[], stages: readonly Cell[]): Run<void> {
    const before = this.#sums;
    this.#evaluations += this.#tableau.b.filter((weight) => weight !== 0).length;
    const reads = [...before, ...this.#y, ...stages, ...this.#args];
    this.#sums = yield* this.#machine.run(this.#graphs.sums, stretchOf(strides), reads);
    this.#machine.drop(before);
  }

  /** `after` in the rows that `stands` names, `before` elsewhere. */
  *#choose(
    stands: readonly boolean[],
    before: readonly Cell[],
    after: readonly Cell[],
  ): Run<readonly Cell[]> {
    if (!stands.includes(false)) return after;
    const given = { numbers: [], choices: [maskOf(stands)] };
    return yield* this.#machine.run(this.#graphs.settle, given, [...before, ...after]);
  }

  // Jump

  /** y ← keep · y + jump, in the rows that came to a time, of which this is the index. */
  *jump(indices: readonly (number | undefined)[]): Run<void> {
    const jumps = indices.map((index) => index !== undefined);
    if (!jumps.includes(true)) return;
    const count = this.#rows[0].times.length;
    // The stacks of jumps have no entry for the first time.
    const places = indices.map((index, r) =>
      index === undefined ? 0 : (index - 1) * this.#rows.length + r,
    );
    const choices = [maskOf(jumps), { values: places, dtype: 'int32' as const }];
    const before = this.#y;
    const reads = [...before, ...this.#jumps];
    const given = { numbers: [], choices };
    this.#y = yield* this.#machine.run(this.#graphs.jump(count), given, reads);
    this.#machine.drop(before);
    // The first stage was evaluated at the state before the jump.
    if (this.#tableau.fsal) yield* this.#refresh(jumps);
  }

  *#refresh(jumped: readonly boolean[]): Run<void> {
    const before = this.#k;
    const fresh = yield* this.#evaluate();
    this.#k = yield* this.#choose(jumped, before, fresh);
    this.#machine.drop([...before, ...(this.#k === fresh ? [] : fresh)]);
  }
}
