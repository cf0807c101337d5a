/**
 * A way through graphs of a batched solve that ran before.
 */
import { type OdeSolveAttrs, runOnRows, solveInputs } from '@neuralode/solvers';
import { type Backend, type DType, type Run, releaseAll, type Slot } from '@neuralode/tensor';
import type { RowCourseEvent } from './batched-tape.ts';
import type { Note, Way } from './replay.ts';
import type { RowStanding } from './row-checkpoints.ts';

type RunEvent = Extract<RowCourseEvent, { kind: 'run' }>;

/** What of these events leads to the cells that they end with. */
function leading(events: readonly RowCourseEvent[]): RowCourseEvent[] {
  const wanted = new Set<number>();
  const kept = events.toReversed().filter((event) => {
    if (event.kind === 'emit') return false;
    const needed = event.kind === 'stands' ? event.cells : event.reads;
    const leads = event.kind === 'stands' || event.writes.some((id) => wanted.has(id));
    if (leads) for (const id of needed) wanted.add(id);
    return leads;
  });
  return kept.toReversed();
}

export class RowPassage implements Way<RowCourseEvent, RowStanding> {
  readonly #backend: Backend;
  readonly #scalarType: DType;
  readonly #note: Note<RowCourseEvent> | undefined;
  /** The inputs of the solve but for the times are the first cells. Borrowed. */
  readonly #inputs: readonly Slot[];
  readonly #cells = new Map<number, Slot>();
  evaluations = 0;

  constructor(
    inputs: readonly Slot[],
    attrs: OdeSolveAttrs,
    backend: Backend,
    note?: Note<RowCourseEvent>,
  ) {
    const { y0, jumps, args } = solveInputs(inputs, attrs);
    this.#inputs = [...y0, ...jumps, ...args];
    this.#backend = backend;
    this.#scalarType = attrs.body.inputs[0].dtype as DType;
    this.#note = note;
  }

  get standing(): RowStanding {
    return this.#cells;
  }

  resume(standing: RowStanding): void {
    this.release();
    for (const [id, slot] of standing) this.#cells.set(id, slot.retain());
  }

  *pass(events: readonly RowCourseEvent[]): Run<void> {
    yield* this.run(leading(events));
  }

  *run(events: readonly RowCourseEvent[]): Run<void> {
    for (const event of events) {
      if (event.kind === 'run') yield* this.#repeat(event);
      else if (event.kind === 'emit') this.#note?.(event, []);
      else this.#keepOnly(new Set(event.cells));
    }
  }

  *#repeat(event: RunEvent): Run<void> {
    const { graph, reads, writes } = event;
    this.evaluations += graph.role.evaluations;
    const slots = reads.map((id) => this.#cells.get(id) ?? this.#inputs[id]);
    const program = this.#note === undefined ? graph.bare : graph.forward;
    const outputs = yield* runOnRows(this.#backend, this.#scalarType, program, event, slots);
    writes.forEach((id, i) => {
      this.#cells.set(id, outputs[i]);
    });
    if (this.#note === undefined) return;
    releaseAll(outputs.slice(writes.length, graph.plain));
    this.#note(event, outputs.slice(graph.plain));
  }

  #keepOnly(ids: ReadonlySet<number>): void {
    for (const [id, slot] of this.#cells) {
      if (ids.has(id)) continue;
      slot.release();
      this.#cells.delete(id);
    }
  }

  release(): void {
    releaseAll(this.#cells.values());
    this.#cells.clear();
  }
}
