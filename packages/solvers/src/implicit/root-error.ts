/** What is thrown where equations are not solved. */
import { NeuralodeError } from '@neuralode/tensor';

/** An iteration did not find a root, or the solution of a linear system. */
export class RootError extends NeuralodeError {}
