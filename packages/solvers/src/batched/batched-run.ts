/**
 * The run loop of a batched solve: every row has its own time, step, error, accept or reject, and its own times to be
 * observed at. The device steps all rows at once, each over its own h; the host reads one error a row and decides row by
 * row, with the same pace that a solve of that row alone would have.
 *
 * A row that is rejected, or done, keeps its state: the new one is chosen where the step stands. Rows that are done
 * stay in the batch, with h = 0: the field is recorded for the whole batch, and what it captures may have rows too.
 */
import {
  type Backend,
  type DeviceBuffer,
  type DType,
  type Run,
  releaseAll,
  type Slot,
} from '@neuralode/tensor';
import type { AdaptiveControl } from '../control.ts';
import {
  MaxStepsError,
  NonFiniteError,
  SolveError,
  type SolveStatus,
  StepSizeError,
  stateError,
} from '../errors.ts';
import { FiniteWatch } from '../finite-watch.ts';
import { readNumbers } from '../host-numbers.ts';
import type { AdaptivePace } from '../pace.ts';
import { onlyWhere, type Passage, RowClock, type RowStride } from './row-clock.ts';
import { plainRowGraphs, type RowGraphs, type RunnableRowGraph } from './row-graphs.ts';
import { type Cell, noRowLog, type RowLog } from './row-log.ts';
import { type Attempt, RowMachine } from './row-machine.ts';
import { RowObservations } from './row-observations.ts';
import { RowStepper } from './row-stepper.ts';
import { requireRowTimes } from './row-times.ts';
import {
  type OdeSolveAttrs,
  type SolveInputs,
  solveInputs,
  timesAreInput,
} from '../solve-attrs.ts';

/** Runs a batched `odeSolve` node that nobody records. Inputs are borrowed; the outputs are the caller's. */
export function runBatchedSolve(
  inputs: readonly Slot[],
  attrs: OdeSolveAttrs,
  backend: Backend,
): Run<Slot[]> {
  return runBatchedSolveWith(inputs, attrs, backend, plainRowGraphs(attrs), noRowLog);
}

/** The same with graphs and a log of one's own. */
export function* runBatchedSolveWith<R extends RunnableRowGraph>(
  inputs: readonly Slot[],
  attrs: OdeSolveAttrs,
  backend: Backend,
  graphs: RowGraphs<R>,
  log: RowLog<R>,
): Run<Slot[]> {
  const roles = solveInputs(inputs, attrs);
  const times = attrs.rowTimes ?? (yield* readTimes(roles.times as DeviceBuffer, attrs));
  attrs.witness?.beginRows(times);
  const loop = new BatchedLoop(roles, attrs, times, graphs, backend, log);
  try {
    return yield* loop.run();
  } catch (error) {
    if (error instanceof SolveError) loop.report(error.status);
    throw error;
  } finally {
    loop.release();
  }
}

function* readTimes(slot: DeviceBuffer, { batch }: OdeSolveAttrs): Run<number[][]> {
  const flat = Array.from(yield slot);
  const count = flat.length / (batch as number);
  const times = Array.from({ length: batch as number }, (_, row) =>
    flat.slice(row * count, (row + 1) * count),
  );
  requireRowTimes(times);
  return times;
}

/** Where the rows stood before a step, and stand after. */
interface RowLook {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

class BatchedLoop<R extends RunnableRowGraph> {
  readonly #attrs: OdeSolveAttrs;
  readonly #machine: RowMachine<R>;
  readonly #rows: readonly RowClock[];
  readonly #stepper: RowStepper<R>;
  readonly #observations: RowObservations<R>;
  readonly #watch: FiniteWatch<RowLook>;
  readonly #adaptive: boolean;

  constructor(
    inputs: SolveInputs<Slot>,
    attrs: OdeSolveAttrs,
    times: readonly (readonly number[])[],
    graphs: RowGraphs<R>,
    backend: Backend,
    log: RowLog<R>,
  ) {
    const { body, leaves, jumps, control } = attrs;
    this.#attrs = attrs;
    this.#machine = new RowMachine(backend, log, body.inputs[0].dtype as DType);
    const jumping = jumps.some((jump) => jump !== undefined);
    const exact = !timesAreInput(attrs);
    this.#rows = times.map((each) => new RowClock(each, control, jumping, exact));
    this.#adaptive = control.kind === 'adaptive';
    this.#observations = new RowObservations(
      this.#machine,
      graphs,
      body.inputs.slice(1, 1 + leaves),
      times,
    );
    this.#watch = new FiniteWatch(backend, graphs.plain.finite, (look, row) =>
      this.#failAt(look, row),
    );
    this.#stepper = new RowStepper(inputs, attrs, graphs, this.#machine, this.#rows);
  }

  *run(): Run<Slot[]> {
    const starts = this.#times();
    this.#observations.standing(
      this.#rows.map(() => [0]),
      this.#stepper.y,
    );
    if (!this.#adaptive) yield* this.#look(starts);
    yield* this.#stepper.begin();
    yield* this.#chooseFirstSteps();
    while (this.#rows.some((row) => !row.done)) yield* this.#step();
    // An infinite state makes the scale of the error infinite too, and so passes for one without error.
    if (this.#adaptive) yield* this.#look(this.#times());
    yield* this.#watch.ask();
    this.report('success');
    const observed = this.#observations.results();
    return [...observed, ...this.#stepper.sums.map(({ slot }) => slot.retain())];
  }

  report(status: SolveStatus): void {
    const rows = this.#rows.map(({ accepted, rejected }) => ({ accepted, rejected }));
    this.#attrs.onSolve?.({
      nfe: this.#stepper.evaluations,
      accepted: rows.reduce((total, { accepted }) => total + accepted, 0),
      rejected: rows.reduce((total, { rejected }) => total + rejected, 0),
      status,
      jacobians: 0,
      factorisations: 0,
      pass: this.#attrs.pass,
      rows,
    });
  }

  release(): void {
    this.#machine.release();
    this.#observations.release();
    this.#watch.release();
  }

  #times(): number[] {
    return this.#rows.map(({ t }) => t);
  }

  *#chooseFirstSteps(): Run<void> {
    const { control } = this.#attrs;
    if (control.kind !== 'adaptive' || control.firstStep !== undefined) return;
    yield* this.#stepper.chooseFirstSteps((what, row) => this.#fail(what, row));
  }

  // Step

  /** One attempt at a step of every row that is not done; the rows whose step stands move. */
  *#step(): Run<void> {
    const stepper = this.#stepper;
    this.#machine.log.stands?.(stepper.standing);
    const strides = this.#rows.map((row) => row.stride());
    this.#requireFewSteps();
    const attempt = yield* stepper.attempt(strides);
    const [stands, kept] = yield* this.#settleOn(attempt, strides);
    if (kept === undefined) return;
    const starts = this.#times();
    const passages = this.#rows.map((row, r) => (stands[r] ? row.pass(strides[r]) : undefined));
    const taken = onlyWhere(stands, strides);
    yield* this.#observeInside(passages, strides, taken, kept);
    yield* stepper.move(stands, taken, kept);
    if (!this.#adaptive) yield* this.#look(starts);
    this.#observations.standing(
      passages.map((passage) => passage?.standing ?? []),
      stepper.y,
    );
    yield* stepper.jump(passages.map((passage) => passage?.jump));
  }

  /** Observes what the rows passed inside their steps; `taken` have no length in rows that do not move. */
  *#observeInside(
    passages: readonly (Passage | undefined)[],
    strides: readonly RowStride[],
    taken: readonly RowStride[],
    kept: readonly Cell[],
  ): Run<void> {
    if (!passages.some((passage) => passage !== undefined && passage.inside.length > 0)) return;
    const stages = this.#stepper.stagesOf(kept);
    const extra = yield* this.#stepper.extend(taken, stages);
    yield* this.#observations.inside(passages, strides, [...this.#stepper.y, ...stages, ...extra]);
    this.#machine.drop(extra);
  }

  /** Which rows' steps stand; and y₁ and the fresh stages, unless none does. */
  *#settleOn(
    attempt: Attempt<R>,
    strides: readonly RowStride[],
  ): Run<[boolean[], readonly Cell[] | undefined]> {
    if (!this.#adaptive) {
      const stands = this.#rows.map((row) => !row.done);
      return [stands, this.#machine.keep(attempt)];
    }
    let errors: number[];
    let stands: boolean[];
    try {
      errors = yield* readNumbers(attempt.steering[0]);
      stands = this.#rows.map((row, r) => !row.done && this.#judge(row, r, strides[r], errors[r]));
    } catch (error) {
      this.#machine.reject(attempt);
      throw error;
    }
    if (!stands.includes(true)) {
      this.#machine.reject(attempt);
      return [stands, undefined];
    }
    const spoilt = errors.some((error, r) => !stands[r] && !Number.isFinite(error));
    const matters = this.#machine.log.keeps || this.#stepper.integrates;
    if (!spoilt || !matters) return [stands, this.#machine.keep(attempt)];
    // No weight at all times what is not finite would be NaN, in what all rows share.
    this.#machine.reject(attempt);
    const again = yield* this.#stepper.attempt(onlyWhere(stands, strides));
    releaseAll(again.steering);
    return [stands, this.#machine.keep(again)];
  }

  /** Whether a row's step with this scaled error stands. */
  #judge(row: RowClock, r: number, stride: RowStride, error: number): boolean {
    const pace = row.pace as AdaptivePace;
    if (pace.judge(stride, error)) return true;
    row.rejected++;
    if (pace.vanished(row.t)) {
      if (!Number.isFinite(error)) this.#fail('the field or the state is not finite', r);
      const { control, pass, body } = this.#attrs;
      const { dtype } = body.inputs[0];
      const demands = control as AdaptiveControl;
      throw new StepSizeError(row.t, pass, pace.size, demands, dtype, { row: r });
    }
    return false;
  }

  #requireFewSteps(): void {
    const { maxSteps } = this.#attrs.control;
    const r = this.#rows.findIndex((row) => !row.done && row.attempts >= maxSteps);
    if (r < 0) return;
    const { t, end } = this.#rows[r];
    throw new MaxStepsError(t, this.#attrs.pass, maxSteps, end, { row: r });
  }

  // Watch

  /** Has the state looked at, after steps from `starts`. */
  *#look(starts: readonly number[]): Run<void> {
    const slots = this.#stepper.y.map(({ slot }) => slot);
    yield* this.#watch.look(slots, { starts, ends: this.#times() });
  }

  #failAt({ starts, ends }: RowLook, row: number): never {
    const [start, time] = [starts[row], ends[row]];
    const initial = time === this.#rows[row].times[0];
    throw stateError(start, time, initial, this.#attrs.pass, { row });
  }

  #fail(what: string, row: number): never {
    throw new NonFiniteError(this.#rows[row].t, this.#attrs.pass, what, { row });
  }
}
