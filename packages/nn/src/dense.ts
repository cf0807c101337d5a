/** The fully connected layer, and stacks of it. */
import {
  ArgumentError,
  type FloatDType,
  type Random,
  ShapeError,
  showShape,
  type Tensor,
  tanh,
} from '@neuralode/tensor';
import { constant, glorotUniform, type Initialiser } from './initialisers.ts';
import { type Activation, type Layer, requireWidth } from './layer.ts';

/** Parameters of `dense`. */
export interface DenseParams {
  /** [inputs, outputs]. torch's `Linear` keeps the transpose. */
  readonly weight: Tensor;
  /** [outputs]; absent with `{ bias: false }`. */
  readonly bias?: Tensor;
}

/** Settings of `dense`. */
export interface DenseOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Default `glorotUniform`. */
  readonly weights?: Initialiser;
  /** Default `constant(0)`. */
  readonly biases?: Initialiser;
  /** Default: the float of the backend that is set when `init` runs. */
  readonly dtype?: FloatDType;
}

/** A layer that knows its extents. */
export interface DenseLayer<P> extends Layer<P> {
  readonly inputs: number;
  readonly outputs: number;
}

/** `x W + b`: […, inputs] to […, outputs]. Throws a `ShapeError` for an input of another width. */
export function dense(
  inputs: number,
  outputs: number,
  options: DenseOptions = {},
): DenseLayer<DenseParams> {
  requireWidth(inputs, 'dense: number of inputs');
  requireWidth(outputs, 'dense: number of outputs');
  const { bias = true, weights = glorotUniform, biases = constant(0), dtype } = options;
  const made = dtype === undefined ? {} : { dtype };
  return {
    inputs,
    outputs,
    init(rng) {
      const weight = weights(rng, [inputs, outputs], made);
      return bias ? { weight, bias: biases(rng, [outputs], made) } : { weight };
    },
    apply(params, x) {
      requireInputs(x, inputs, 'dense');
      const product = project(x, params.weight);
      return params.bias === undefined ? product : product.add(params.bias);
    },
  };
}

function requireInputs(x: Tensor, inputs: number, what: string): void {
  if (x.shape.at(-1) === inputs) return;
  throw new ShapeError({
    what: `${what}: the input does not have the layer's width`,
    got: showShape(x.shape),
    expected: `[…, ${inputs}]`,
  });
}

/** `x W`, with a single vector taken as a batch of one. */
function project(x: Tensor, weight: Tensor): Tensor {
  if (x.rank > 1) return x.matMul(weight);
  return x.reshape([1, -1]).matMul(weight).reshape([-1]);
}

/** Settings of `mlp`, those of its layers among them. */
export interface MlpOptions extends DenseOptions {
  /** Between the layers. Default `tanh`: an ODE's field should be smooth. */
  readonly activation?: Activation;
  /** After the last layer. Default: none. */
  readonly finalActivation?: Activation;
}

/**
 * A multilayer perceptron: `mlp([2, 50, 2])` maps […, 2] to […, 2] through one hidden layer of 50. Its parameters are
 * a list, one entry a layer, in order.
 */
export function mlp(
  widths: readonly number[],
  options: MlpOptions = {},
): DenseLayer<readonly DenseParams[]> {
  if (widths.length < 2) {
    throw new ArgumentError({
      what: 'mlp: needs at least the widths of its input and its output',
      got: showShape(widths),
      remedy: 'Write mlp([inputs, …hidden, outputs])',
    });
  }
  const { activation = tanh, finalActivation, ...layerOptions } = options;
  const layers = widths.slice(1).map((width, i) => dense(widths[i], width, layerOptions));
  return {
    inputs: widths[0],
    outputs: widths.at(-1)!,
    init: (rng: Random) => layers.map((layer) => layer.init(rng)),
    apply(params, x) {
      requireLayers(params, layers.length);
      const last = layers.length - 1;
      const y = layers.reduce((value, layer, i) => {
        const result = layer.apply(params[i], value);
        return i < last ? activation(result) : result;
      }, x);
      return finalActivation === undefined ? y : finalActivation(y);
    },
  };
}

function requireLayers(params: readonly DenseParams[], count: number): void {
  if (params.length === count) return;
  throw new ArgumentError({
    what: 'mlp: parameters of another network',
    got: `${params.length} layers`,
    expected: `${count} layers`,
  });
}
