/** The error of everything that reads or writes saved tensors. */
import { NeuralodeError } from '@neuralode/tensor';

/** Bytes that are no whole safetensors file, or one that does not fit the model it is loaded into. */
export class CheckpointError extends NeuralodeError {}
