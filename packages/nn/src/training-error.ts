/** The error of a training run that cannot go on. */
import { type Complaint, NeuralodeError } from '@neuralode/tensor';
import type { TrainingState } from './training-state.ts';

/** An iteration failed, or its loss or gradient is not finite. `cause` is what failed, where something was thrown. */
export class TrainingError extends NeuralodeError {
  /** The iteration that failed, counted from 1. */
  readonly iteration: number;
  /** The run before that iteration: the parameters to go back to. Belongs to whoever catches the error. */
  // biome-ignore lint/suspicious/noExplicitAny: a class cannot know the trees of the call that threw it.
  readonly state: TrainingState<any, any>;

  constructor(
    complaint: Complaint,
    state: TrainingState<unknown, unknown>,
    options?: ErrorOptions,
  ) {
    super(complaint, options);
    this.iteration = state.iteration + 1;
    this.state = state;
  }
}
