/** What the graph of an implicit step is a function of. */
import type { Tensor } from '@neuralode/tensor';

export interface StepInputs {
  readonly t: Tensor;
  readonly h: Tensor;
  readonly y: readonly Tensor[];
  /** The first stage, where the step before has it. */
  readonly given: Tensor[] | undefined;
  readonly args: readonly Tensor[];
  /** The `NewtonWork` of the solve. */
  readonly work: Tensor;
}
