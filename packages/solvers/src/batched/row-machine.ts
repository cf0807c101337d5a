/**
 * Runs the graphs of a batched solve: keeps its cells, brings numbers of the host to the device, tells the log.
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
  type Spec,
  zerosOf,
} from '@neuralode/tensor';
import { upload } from '../host-numbers.ts';
import type { RunnableRowGraph } from './row-graphs.ts';
import type { RowStride } from './row-clock.ts';
import type { Cell, HostNumbers, RowChoice, RowLog } from './row-log.ts';

/** A graph's run before it is known whether it counts. */
export interface Attempt<R extends RunnableRowGraph> {
  readonly graph: R;
  readonly numbers: readonly HostNumbers[];
  readonly choices: readonly RowChoice[];
  readonly reads: readonly Cell[];
  /** The outputs that move: states and stages. */
  readonly writes: readonly Cell[];
  /** The outputs that only steer. */
  readonly steering: readonly Slot[];
  readonly residuals: readonly Slot[];
}

export function hostNumbers(
  of: 't' | 'h',
  strides: readonly RowStride[],
  rows = strides.map((_, row) => row),
): HostNumbers {
  return { of, rows, strides };
}

function valuesOf({ of, strides, inside }: HostNumbers): readonly number[] {
  if (of === 'theta') return (inside ?? []).map(({ theta }) => theta);
  return strides.map((stride) => stride[of]);
}

/** What the host gives to a graph. */
export interface GivenToRows {
  readonly numbers: readonly HostNumbers[];
  readonly choices: readonly RowChoice[];
}

/** Runs `graph` on numbers of the host (of type `scalarType`), choices and slots (borrowed), in this order. */
export function* runOnRows(
  backend: Backend,
  scalarType: DType,
  graph: Graph,
  { numbers, choices }: GivenToRows,
  reads: readonly Slot[],
): Run<Slot[]> {
  const given: Slot[] = [];
  try {
    for (const each of numbers) given.push(upload(valuesOf(each), backend, scalarType));
    for (const { values, dtype } of choices) given.push(upload(values, backend, dtype));
    return yield* runGraph(graph, [...given, ...reads], backend);
  } finally {
    releaseAll(given);
  }
}

/** When the rows' steps begin, and how long they are. */
export function stretchOf(strides: readonly RowStride[]): GivenToRows {
  return { numbers: [hostNumbers('t', strides), hostNumbers('h', strides)], choices: [] };
}

export function maskOf(rows: readonly boolean[]): RowChoice {
  return { values: rows.map(Number), dtype: 'bool' };
}

export class RowMachine<R extends RunnableRowGraph> {
  readonly backend: Backend;
  readonly log: RowLog<R>;
  readonly #scalarType: DType;
  readonly #live = new Set<Cell>();
  #nextId = 0;

  constructor(backend: Backend, log: RowLog<R>, scalarType: DType) {
    this.backend = backend;
    this.log = log;
    this.#scalarType = scalarType;
  }

  /** A cell around a slot, whose reference it takes over. */
  cell(slot: Slot): Cell {
    const cell = { id: this.#nextId++, slot };
    this.#live.add(cell);
    return cell;
  }

  zeros(spec: Spec): Cell {
    return this.cell(zerosOf(this.backend, spec));
  }

  drop(cells: readonly Cell[]): void {
    for (const cell of cells) if (this.#live.delete(cell)) cell.slot.release();
  }

  release(): void {
    this.drop([...this.#live]);
  }

  upload(values: readonly number[], dtype: DType): DeviceBuffer {
    return upload(values, this.backend, dtype);
  }

  scalars(values: readonly number[]): DeviceBuffer {
    return this.upload(values, this.#scalarType);
  }

  /** Runs `graph` on numbers of the host, choices and cells, in this order. */
  *attempt(graph: R, moving: number, given: GivenToRows, reads: readonly Cell[]): Run<Attempt<R>> {
    const slots = reads.map(({ slot }) => slot);
    const outputs = yield* runOnRows(this.backend, this.#scalarType, graph.forward, given, slots);
    return {
      graph,
      ...given,
      reads,
      writes: outputs.slice(0, moving).map((slot) => this.cell(slot)),
      steering: outputs.slice(moving, graph.plain),
      residuals: outputs.slice(graph.plain),
    };
  }

  /** The attempt counts: the log is told of it, and owns its residuals. */
  keep(attempt: Attempt<R>, places?: readonly number[]): readonly Cell[] {
    const { graph, numbers, choices, reads, writes, residuals } = attempt;
    const ids = (cells: readonly Cell[]): number[] => cells.map(({ id }) => id);
    this.log.note(
      {
        kind: 'run',
        graph,
        numbers,
        choices,
        reads: ids(reads),
        writes: ids(writes),
        ...(places && { places }),
      },
      residuals,
    );
    return writes;
  }

  /** The attempt does not count. What it says by `steering` is the caller's. */
  reject({ writes, residuals }: Attempt<R>): void {
    this.drop(writes);
    releaseAll(residuals);
  }

  /** Runs a graph that counts in any case, and all of whose outputs move. */
  *run(
    graph: R,
    given: GivenToRows,
    reads: readonly Cell[],
    places?: readonly number[],
  ): Run<readonly Cell[]> {
    return this.keep(yield* this.attempt(graph, graph.plain, given, reads), places);
  }
}
