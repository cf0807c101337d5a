/**
 * What `checkpointed()` keeps of a batched solve: the line of its graphs, without residuals, and the cells that stood
 * before some of its steps.
 */
import type { Cell, RowEvent, RowLog } from '@neuralode/solvers';
import { releaseAll, type Slot } from '@neuralode/tensor';
import type { RowCourseEvent, SplitRowGraph } from './batched-tape.ts';
import { KeptStates } from './kept-states.ts';

/** Cells by their numbers. */
export type RowStanding = ReadonlyMap<number, Slot>;

export class RowCheckpoints
  extends KeptStates<RowCourseEvent, RowStanding>
  implements RowLog<SplitRowGraph>
{
  /** With it, rows whose steps do not count have finite ones in their place. */
  readonly keeps = true;

  note(event: RowEvent<SplitRowGraph>, residuals: readonly Slot[]): void {
    releaseAll(residuals);
    this.events.push(event);
  }

  stands(cells: readonly Cell[]): void {
    // After an attempt that no row kept, it stands where it stood.
    if (this.events.at(-1)?.kind === 'stands') return;
    this.events.push({ kind: 'stands', cells: cells.map(({ id }) => id) });
    this.stepBegins();
    this.reached(this.steps - 1, new Map(cells.map(({ id, slot }) => [id, slot])));
  }

  protected retained(standing: RowStanding): RowStanding {
    return new Map([...standing].map(([id, slot]) => [id, slot.retain()]));
  }

  protected dropped(standing: RowStanding): void {
    releaseAll(standing.values());
  }
}
