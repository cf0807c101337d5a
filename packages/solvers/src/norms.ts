/**
 * Norms by which a step's error is measured, in units of the tolerance: a step stands where its norm is at most 1.
 */
import {
  ArgumentError,
  inline,
  record,
  showShape,
  sizeOf,
  type Spec,
  type Tensor,
} from '@neuralode/tensor';

/** A norm, for states of tensors and of plain numbers. */
export interface ErrorNorm {
  readonly kind: 'norm';
  readonly name: string;
  /** Of the leaves of a state of errors: a scalar. */
  ofTensors(leaves: readonly Tensor[]): Tensor;
  ofNumbers(values: Float64Array): number;
  /**
   * How many leaves it takes, where that matters. A gradient's solve has the state several times over; the norm is then
   * the largest of each.
   */
  readonly leaves?: number;
}

/** Root mean square over all elements of all leaves. */
export function rmsOfTensors(leaves: readonly Tensor[]): Tensor {
  const total = leaves.map((each) => each.square().sum()).reduce((a, b) => a.add(b));
  const count = leaves.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return total.mul(1 / Math.max(1, count)).sqrt();
}

export function rmsOfNumbers(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] * values[i];
  return Math.sqrt(total / Math.max(1, values.length));
}

function largest(values: Float64Array): number {
  let result = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (!(size <= result)) result = size;
    if (Number.isNaN(result)) return result;
  }
  return result;
}

const maximum = (sizes: readonly Tensor[]): Tensor => sizes.reduce((a, b) => a.maximum(b));

const rms: ErrorNorm = {
  kind: 'norm',
  name: 'rms',
  ofTensors: rmsOfTensors,
  ofNumbers: rmsOfNumbers,
};
const max: ErrorNorm = {
  kind: 'norm',
  name: 'max',
  ofTensors: (leaves) => maximum(leaves.map((leaf) => leaf.abs().max())),
  ofNumbers: largest,
};
const perLeaf: ErrorNorm = {
  kind: 'norm',
  name: 'per leaf',
  ofTensors: (leaves) => maximum(leaves.map((leaf) => rmsOfTensors([leaf]))),
  ofNumbers: rmsOfNumbers,
};

/** The default: the root mean square over all elements, as in Hairer's codes. */
export function rmsNorm(): ErrorNorm {
  return rms;
}

/** The largest element: every one meets the tolerance. */
export function maxNorm(): ErrorNorm {
  return max;
}

/** The largest of the leaves' root mean squares: a small leaf is not outvoted by a large one. */
export function perLeafNorm(): ErrorNorm {
  return perLeaf;
}

/** The size of scaled errors; NaN where an element is not finite, whatever the norm makes of it. */
export function sizeOfErrors(scaled: readonly Tensor[], norm: ErrorNorm | undefined): Tensor {
  if (norm === undefined || norm.name === 'rms') return rmsOfTensors(scaled);
  const { leaves: each = scaled.length } = norm;
  const sizes: Tensor[] = [];
  for (let from = 0; from < scaled.length; from += each) {
    const group = scaled.slice(from, from + each);
    // What is over belongs to the gradient of the parameters.
    sizes.push(group.length === each ? norm.ofTensors(group) : rmsOfTensors(group));
  }
  const watch = scaled.map((leaf) => leaf.mul(0).sum()).reduce((a, b) => a.add(b));
  return maximum(sizes).add(watch);
}

/** A user's function of the tree of scaled errors as a norm; recorded once, as the field is. */
export function customNorm<Y>(
  norm: (errors: Y) => Tensor,
  state: readonly Spec[],
  rebuild: (leaves: readonly Tensor[]) => Y,
): ErrorNorm {
  const { graph, captures } = record(state, (...leaves) => norm(rebuild(leaves)));
  const [output] = graph.outputs;
  if (captures.length > 0 || graph.outputs.length !== 1 || output.shape.length > 0) {
    throw new ArgumentError({
      what: 'odeint: norm must make one scalar tensor of the errors and of plain numbers alone',
      got:
        captures.length > 0
          ? 'one that uses a tensor from outside'
          : graph.outputs.map(({ shape }) => showShape(shape)).join(', ') || 'no tensor',
      remedy: 'Return such as errors.abs().max(), or pass maxNorm()',
    });
  }
  return {
    kind: 'norm',
    name: 'custom',
    leaves: state.length,
    ofTensors: (leaves) => inline(graph, leaves)[0],
    ofNumbers: rmsOfNumbers,
  };
}
