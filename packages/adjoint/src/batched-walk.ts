/**
 * The backward pass of `direct()` through a batched solve: each graph on the tape, from the last to the first, turns
 * the cotangents of the cells that it wrote into cotangents of those that it read.
 */
import { spread } from '@neuralode/autodiff';
import { type HostNumbers, type RowStride, solveInputs } from '@neuralode/solvers';
import {
  type Backend,
  DeviceBuffer,
  type DType,
  primitives as p,
  type Run,
  releaseAll,
  runGraph,
  runKernel,
  type Slot,
  type Spec,
  toHostArray,
  zerosOf,
} from '@neuralode/tensor';
import type { RowBackAttrs, RowTapeEntry } from './batched-tape.ts';
import type { Rewind } from './direct-tape.ts';
import { Totals } from './totals.ts';

type RunEvent = Extract<RowTapeEntry['event'], { kind: 'run' }>;
type EmitEvent = Extract<RowTapeEntry['event'], { kind: 'emit' }>;

/** Runs the walk back over a recorded batched solve, which is had from `rewind`. */
export function* runBatchedBackward(
  inputs: readonly Slot[],
  attrs: RowBackAttrs,
  backend: Backend,
  rewind: Rewind<RowTapeEntry>,
): Run<Slot[]> {
  const walk = new BatchedWalk(inputs, attrs, backend, rewind);
  try {
    walk.begin();
    return yield* walk.run();
  } finally {
    walk.release();
  }
}

class BatchedWalk {
  readonly #attrs: RowBackAttrs;
  readonly #backend: Backend;
  readonly #rewind: Rewind<RowTapeEntry>;
  readonly #state: readonly Spec[];
  readonly #scalar: Spec;
  /** The solve's inputs but for the times: the first cells. */
  readonly #cells: readonly Spec[];
  readonly #given: readonly (Slot | null)[];
  /** Cotangents of the observations, a list [T · B + 1, …] a leaf, the last row zero; null where all are. */
  #observed: readonly (Slot | null)[] = [];
  readonly #places: number;
  /** Cotangents by cell. */
  readonly #totals: Totals;
  /** Cotangents of numbers of the host, until they are read. */
  readonly #times: { numbers: HostNumbers; slot: Slot }[] = [];
  #evaluations = 0;
  #steps = 0;

  constructor(
    inputs: readonly Slot[],
    attrs: RowBackAttrs,
    backend: Backend,
    rewind: Rewind<RowTapeEntry>,
  ) {
    const { loop, needs, given } = attrs;
    this.#attrs = attrs;
    this.#backend = backend;
    this.#rewind = rewind;
    this.#given = spread(given, inputs.slice(1 + needs.length));
    const { leaves, body, jumps } = loop;
    [this.#scalar] = body.inputs;
    this.#state = body.inputs.slice(1, 1 + leaves);
    this.#places = rewind.events.reduce((total, { places }) => total + (places?.length ?? 0), 0);
    const stacks = this.#state.filter((_, leaf) => jumps[leaf] !== undefined);
    const times = this.#places / (loop.batch as number);
    this.#cells = [
      ...this.#state,
      ...stacks.map(({ shape, dtype }) => ({ shape: [times - 2, ...shape], dtype })),
      ...body.inputs.slice(1 + leaves),
    ];
    this.#totals = new Totals(backend);
  }

  begin(): void {
    this.#observed = this.#given.map((slot, leaf) => slot && this.#withZeroRow(slot, leaf));
  }

  *run(): Run<Slot[]> {
    for (;;) {
      const stretch = yield* this.#rewind.previous();
      if (stretch === undefined) break;
      for (const { event, residuals } of stretch.toReversed()) {
        if (event.kind === 'emit') this.#emit(event);
        else if (event.kind === 'run') yield* this.#graph(event, residuals);
      }
    }
    const { evaluations } = this.#rewind;
    this.#attrs.loop.onSolve?.({
      nfe: this.#evaluations,
      ...(evaluations > 0 && { recomputed: evaluations }),
      accepted: this.#steps,
      rejected: 0,
      status: 'success',
      jacobians: 0,
      factorisations: 0,
      pass: 'backward',
    });
    return yield* this.#results();
  }

  release(): void {
    this.#totals.release();
    releaseAll(this.#observed.filter((slot) => slot !== null));
    releaseAll(this.#times.map(({ slot }) => slot));
  }

  // Observations

  #rows(leaf: number, count: number): Spec {
    const { shape, dtype } = this.#state[leaf];
    return { shape: [count, ...shape.slice(1)], dtype };
  }

  #withZeroRow(slot: Slot, leaf: number): Slot {
    const spec = this.#rows(leaf, this.#places);
    const only = (count: number): number[] => spec.shape.map((_, axis) => (axis === 0 ? count : 0));
    return runKernel(this.#backend, p.pad, [{ slot, spec }], { before: only(0), after: only(1) });
  }

  #indices(values: readonly number[]): { slot: Slot; spec: Spec } {
    const shape = [values.length];
    const handle = this.#backend.upload(toHostArray('int32', values), shape, 'int32');
    return { slot: new DeviceBuffer(this.#backend, handle), spec: { shape, dtype: 'int32' } };
  }

  /** The cotangents of the observations at `places`, filled up with zeros to `count` rows. */
  #observationsAt(places: readonly number[], count: number): (Slot | null)[] {
    const padded = Array.from({ length: count }, (_, i) => places[i] ?? this.#places);
    const indices = this.#indices(padded);
    try {
      return this.#observed.map((slot, leaf) => {
        if (slot === null) return null;
        const all = { slot, spec: this.#rows(leaf, this.#places + 1) };
        return runKernel(this.#backend, p.gather, [all, indices], { axis: 0 });
      });
    } finally {
      indices.slot.release();
    }
  }

  /** The observations are rows of the state itself. */
  #emit({ reads, rows, places }: EmitEvent): void {
    const batch = this.#attrs.loop.batch as number;
    const indices = this.#indices(rows);
    try {
      this.#observationsAt(places, places.length).forEach((slot, leaf) => {
        if (slot === null) return;
        const given = { slot, spec: this.#rows(leaf, rows.length) };
        const attrs = { axis: 0, size: batch };
        const spread = runKernel(this.#backend, p.scatterAdd, [given, indices], attrs);
        slot.release();
        this.#totals.add(reads[leaf], spread, this.#state[leaf]);
      });
    } finally {
      indices.slot.release();
    }
  }

  // Graphs

  *#graph(event: RunEvent, residuals: readonly Slot[]): Run<void> {
    const { half, needs, role } = event.graph;
    this.#evaluations += role.evaluations;
    if (role.name === 'step') this.#steps++;
    const cotangents = this.#cotangentsOf(event);
    if (cotangents === undefined) return;
    let results: Slot[];
    try {
      results = yield* runGraph(half.backward, [...residuals, ...cotangents], this.#backend);
    } finally {
      releaseAll(cotangents);
    }
    const choices = role.inputs.filter((kind) => kind === 'choice').length;
    const firstCell = event.numbers.length + choices;
    spread(needs, results).forEach((slot, i) => {
      if (slot === null) return;
      const numbers = event.numbers[i];
      if (numbers !== undefined) this.#times.push({ numbers, slot });
      else this.#totals.add(event.reads[i - firstCell], slot, half.forward.inputs[i]);
    });
  }

  /** Of what a graph wrote; undefined where all are zero. */
  #cotangentsOf({ graph, writes, places, numbers }: RunEvent): Slot[] | undefined {
    const specs = graph.half.forward.outputs;
    if (places !== undefined) {
      const given = this.#observationsAt(places, numbers[0].rows.length);
      if (given.every((slot) => slot === null)) return undefined;
      return given.map((slot, i) => slot ?? zerosOf(this.#backend, specs[i]));
    }
    if (!writes.some((id) => this.#totals.has(id))) return undefined;
    return writes.map((id, i) => this.#totals.take(id, specs[i]));
  }

  // Results

  /** The cotangents asked for, in the order of the solve's inputs. */
  *#results(): Run<Slot[]> {
    const { loop, needs, wanted } = this.#attrs;
    const { times, y0, jumps, args } = solveInputs(needs, loop);
    const results = times === true && wanted.times ? [yield* this.#timeGradient()] : [];
    [...y0, ...jumps, ...args].forEach((need, id) => {
      if (need) results.push(this.#totals.take(id, this.#cells[id]));
    });
    return results;
  }

  /** The cotangents of the host's numbers, read at once, and carried on to the times that they move with: [B, T]. */
  *#timeGradient(): Run<Slot> {
    const batch = this.#attrs.loop.batch as number;
    const count = this.#places / batch;
    const dtype = this.#scalar.dtype as DType;
    const gradient = new Float64Array(this.#places);
    const parts = this.#times.map(({ numbers, slot }) => ({
      slot,
      spec: { shape: [numbers.rows.length], dtype },
    }));
    if (parts.length > 0) {
      const all = runKernel(this.#backend, p.concat, parts, { axis: 0 });
      try {
        const values = (yield all).values();
        for (const { numbers } of this.#times) {
          numbers.rows.forEach((row, i) => {
            const own = gradient.subarray(row * count, (row + 1) * count);
            addToTimes(own, numbers, i, values.next().value as number);
          });
        }
      } finally {
        all.release();
      }
    }
    const handle = this.#backend.upload(toHostArray(dtype, gradient), [batch, count], dtype);
    return new DeviceBuffer(this.#backend, handle);
  }
}

/** From the cotangent of one number of the host to those of its row's times: see the head of direct.ts. */
function addToTimes(times: Float64Array, numbers: HostNumbers, i: number, cotangent: number): void {
  // A zero may stand beside a step of no length.
  if (cotangent === 0) return;
  const stride = numbers.strides[i];
  if (numbers.of === 't') addToStart(times, stride, cotangent);
  else if (numbers.of === 'h') addToLength(times, stride, cotangent);
  else {
    // θ = (tᵢ − t) / h
    const { index, theta } = (numbers.inside as NonNullable<HostNumbers['inside']>)[i];
    const share = cotangent / stride.h;
    times[index] += share;
    addToStart(times, stride, -share);
    addToLength(times, stride, -share * theta);
  }
}

function addToStart(times: Float64Array, stride: RowStride, cotangent: number): void {
  times[stride.from] += cotangent * (1 - stride.position);
  times[stride.to] += cotangent * stride.position;
}

function addToLength(times: Float64Array, stride: RowStride, cotangent: number): void {
  times[stride.from] -= cotangent * stride.length;
  times[stride.to] += cotangent * stride.length;
}
