/**
 * The observations of a batched solve. Rows pass their times in any order: what they gave is kept in chunks as it comes,
 * and put in order once, at the end, by one gather.
 */
import {
  primitives as p,
  type Run,
  releaseAll,
  runKernel,
  type Slot,
  type Spec,
} from '@neuralode/tensor';
import type { Passage, RowStride } from './row-clock.ts';
import { type RowGraphs, type RunnableRowGraph, roundedCount } from './row-graphs.ts';
import type { Cell } from './row-log.ts';
import { hostNumbers, type RowMachine } from './row-machine.ts';

function indexSpec(count: number): Spec {
  return { shape: [count], dtype: 'int32' };
}

export class RowObservations<R extends RunnableRowGraph> {
  readonly #machine: RowMachine<R>;
  readonly #graphs: RowGraphs<R>;
  readonly #state: readonly Spec[];
  readonly #rows: number;
  /** [leaf][chunk], each [count, …]. */
  readonly #chunks: { slot: Slot; count: number }[][];
  /** At each place (index of the time · B + row), which of the rows in all chunks it is. */
  readonly #order: number[];
  #count = 0;

  constructor(
    machine: RowMachine<R>,
    graphs: RowGraphs<R>,
    state: readonly Spec[],
    times: readonly (readonly number[])[],
  ) {
    this.#machine = machine;
    this.#graphs = graphs;
    this.#state = state;
    this.#rows = times.length;
    this.#chunks = state.map(() => []);
    this.#order = new Array<number>(times.length * times[0].length).fill(0);
  }

  /** Interpolates what the rows passed inside their steps. `reads` is y before the steps, and all stages. */
  *inside(
    passages: readonly (Passage | undefined)[],
    strides: readonly RowStride[],
    reads: readonly Cell[],
  ): Run<void> {
    const inside = passages.flatMap((passage, row) =>
      (passage?.inside ?? []).map((each) => ({ ...each, row })),
    );
    if (inside.length === 0) return;
    const places = inside.map(({ row, index }) => this.#place(row, index));
    const count = roundedCount(inside.length);
    while (inside.length < count) inside.push(inside[0]);
    const rows = inside.map(({ row }) => row);
    const theirs = rows.map((row) => strides[row]);
    const numbers = [
      { of: 'theta' as const, rows, strides: theirs, inside },
      hostNumbers('h', theirs, rows),
    ];
    const choices = [{ values: rows, dtype: 'int32' as const }];
    const graph = this.#graphs.dense(count);
    const cells = yield* this.#machine.run(graph, { numbers, choices }, reads, places);
    this.#add(
      cells.map(({ slot }) => slot.retain()),
      count,
      places,
    );
    this.#machine.drop(cells);
  }

  /** Observations, of each row those at the given indices, that are the state `y` as it stands. */
  standing(indices: readonly (readonly number[])[], y: readonly Cell[]): void {
    const seen = indices.flatMap((each, row) => each.map((index) => ({ row, index })));
    if (seen.length === 0) return;
    const rows = seen.map(({ row }) => row);
    const places = seen.map(({ row, index }) => this.#place(row, index));
    const reads = y.map(({ id }) => id);
    this.#machine.log.note({ kind: 'emit', reads, rows, places }, []);
    const all = rows.length === indices.length && rows.every((row, i) => row === i);
    const slots = y.map(({ slot }) => slot);
    this.#add(
      all ? slots.map((slot) => slot.retain()) : this.#pick(slots, rows),
      rows.length,
      places,
    );
  }

  /** Rows `rows` of leaves (borrowed). */
  #pick(leaves: readonly Slot[], rows: readonly number[]): Slot[] {
    const { backend } = this.#machine;
    const indices = { slot: this.#machine.upload(rows, 'int32'), spec: indexSpec(rows.length) };
    try {
      return leaves.map((slot, leaf) =>
        runKernel(backend, p.gather, [{ slot, spec: this.#state[leaf] }, indices], { axis: 0 }),
      );
    } finally {
      indices.slot.release();
    }
  }

  #place(row: number, index: number): number {
    return index * this.#rows + row;
  }

  /** Takes over leaves [count, …], row i of which belongs at `places[i]`; further rows are of no use. */
  #add(leaves: readonly Slot[], count: number, places: readonly number[]): void {
    places.forEach((place, i) => {
      this.#order[place] = this.#count + i;
    });
    leaves.forEach((slot, leaf) => {
      this.#chunks[leaf].push({ slot, count });
    });
    this.#count += count;
  }

  /** Each leaf in order, [T, B, …]. */
  results(): Slot[] {
    const results: Slot[] = [];
    const order = this.#machine.upload(this.#order, 'int32');
    try {
      this.#state.forEach((spec, leaf) => {
        results.push(this.#inOrder(leaf, spec, order));
      });
      return results;
    } catch (error) {
      releaseAll(results);
      throw error;
    } finally {
      order.release();
    }
  }

  #inOrder(leaf: number, { shape, dtype }: Spec, order: Slot): Slot {
    const { backend } = this.#machine;
    const extent = (count: number): Spec => ({ shape: [count, ...shape.slice(1)], dtype });
    const chunks = this.#chunks[leaf].map(({ slot, count }) => ({ slot, spec: extent(count) }));
    const all = runKernel(backend, p.concat, chunks, { axis: 0 });
    try {
      const indices = { slot: order, spec: indexSpec(this.#order.length) };
      const rows = { slot: all, spec: extent(this.#count) };
      return runKernel(backend, p.gather, [rows, indices], { axis: 0 });
    } finally {
      all.release();
    }
  }

  release(): void {
    for (const chunks of this.#chunks) releaseAll(chunks.map(({ slot }) => slot));
  }
}
