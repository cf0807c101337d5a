/**
 * What `checkpointed()` keeps of a solve with common steps.
 */
import { countObserved, type SolveEvent, type SolveLog, type Standing } from '@neuralode/solvers';
import { releaseAll, type Slot } from '@neuralode/tensor';
import { KeptStates } from './kept-states.ts';

export function releaseStanding({ y, memory, work }: Standing): void {
  releaseAll([...y, ...memory, ...(work ? [work] : [])]);
}

export class Checkpoints extends KeptStates<SolveEvent, Standing> implements SolveLog {
  note(event: SolveEvent, residuals: readonly Slot[]): void {
    releaseAll(residuals);
    if (event.kind === 'step') this.stepBegins();
    this.events.push(event);
  }

  stands(standing: Standing): void {
    this.reached(this.steps, standing);
  }

  get observations(): number {
    return this.events.reduce((total, event) => total + countObserved(event), 0);
  }

  protected retained({ y, memory, work }: Standing): Standing {
    const retain = (slots: readonly Slot[]): Slot[] => slots.map((slot) => slot.retain());
    return { y: retain(y), memory: retain(memory), ...(work && { work: work.copy() }) };
  }

  protected dropped(standing: Standing): void {
    releaseStanding(standing);
  }
}
