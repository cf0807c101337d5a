/**
 * Recurrent cells: one step of a recurrent network, `h' = cell(h, x)`. Run one along a sequence with `scan`, or let an
 * ODE move `h` between two steps. Equations, gate order and both biases are those of torch's `RNNCell` and `GRUCell`
 * (its weights are the transposes of ours), so that weights can be carried over.
 */
import {
  concat,
  type FloatDType,
  type Random,
  ShapeError,
  showShape,
  type Tensor,
  tanh,
  type TensorOptions,
} from '@neuralode/tensor';
import { type Initialiser, uniform } from './initialisers.ts';
import { type Activation, requireWidth } from './layer.ts';

/** One step of a recurrent network with parameters of type `P`. */
export interface Cell<P> {
  readonly inputs: number;
  readonly hidden: number;
  /** Fresh parameters, drawn from `rng`; they belong to the caller. */
  init(rng: Random): P;
  /** The next state: `h` [batch, hidden] and `x` [batch, inputs] to [batch, hidden]. */
  apply(params: P, h: Tensor, x: Tensor): Tensor;
}

/** Parameters of `rnnCell` (gates = 1) and `gruCell` (gates = 3, in the order reset, update, new). */
export interface CellParams {
  /** [inputs, gates · hidden]. */
  readonly inputWeight: Tensor;
  /** [hidden, gates · hidden]. */
  readonly hiddenWeight: Tensor;
  /** [gates · hidden]. */
  readonly inputBias: Tensor;
  /** [gates · hidden]. In a GRU it stands inside the reset gate, so it is not the input bias over again. */
  readonly hiddenBias: Tensor;
}

/** Settings of the cells. An initialiser is called once per gate, with the gate's own shape. */
export interface CellOptions {
  /** Of [inputs, hidden]. Default: uniform in ±1/√hidden, as all defaults here and in torch. */
  readonly inputWeights?: Initialiser;
  /** Of [hidden, hidden]. */
  readonly hiddenWeights?: Initialiser;
  /** Of [hidden], for both biases. */
  readonly biases?: Initialiser;
  /** Default: the float of the backend that is set when `init` runs. */
  readonly dtype?: FloatDType;
}

/** Draws one gate after the other and joins them along the last axis. */
function drawGates(
  rng: Random,
  gates: number,
  initialiser: Initialiser,
  shape: readonly number[],
  options: TensorOptions,
): Tensor {
  const parts = Array.from({ length: gates }, () => initialiser(rng, shape, options));
  if (parts.length === 1) return parts[0];
  const joined = concat(parts, shape.length - 1);
  for (const part of parts) part.dispose();
  return joined;
}

function initCell(
  rng: Random,
  gates: number,
  inputs: number,
  hidden: number,
  options: CellOptions,
): CellParams {
  const limit = 1 / Math.sqrt(hidden);
  const fallback = uniform(-limit, limit);
  const { inputWeights = fallback, hiddenWeights = fallback, biases = fallback, dtype } = options;
  const draw = (initialiser: Initialiser, shape: readonly number[]): Tensor =>
    drawGates(rng, gates, initialiser, shape, dtype === undefined ? {} : { dtype });
  return {
    inputWeight: draw(inputWeights, [inputs, hidden]),
    hiddenWeight: draw(hiddenWeights, [hidden, hidden]),
    inputBias: draw(biases, [hidden]),
    hiddenBias: draw(biases, [hidden]),
  };
}

function requireStep(h: Tensor, x: Tensor, hidden: number, inputs: number, what: string): void {
  if (h.rank === 2 && x.rank === 2 && h.shape[1] === hidden && x.shape[1] === inputs) return;
  throw new ShapeError({
    what: `${what}: state or input does not fit the cell`,
    got: `h ${showShape(h.shape)} and x ${showShape(x.shape)}`,
    expected: `h [batch, ${hidden}] and x [batch, ${inputs}]`,
  });
}

/** Settings of `rnnCell`. */
export interface RnnCellOptions extends CellOptions {
  /** Default `tanh`. */
  readonly activation?: Activation;
}

/** Elman's cell (1990): `h' = tanh(x Wᵢ + bᵢ + h Wₕ + bₕ)`. */
export function rnnCell(
  inputs: number,
  hidden: number,
  options: RnnCellOptions = {},
): Cell<CellParams> {
  requireWidth(inputs, 'rnnCell: number of inputs');
  requireWidth(hidden, 'rnnCell: number of hidden units');
  const activation = options.activation ?? tanh;
  return {
    inputs,
    hidden,
    init: (rng) => initCell(rng, 1, inputs, hidden, options),
    apply(params, h, x) {
      requireStep(h, x, hidden, inputs, 'rnnCell');
      const fromInput = x.matMul(params.inputWeight).add(params.inputBias);
      const fromState = h.matMul(params.hiddenWeight).add(params.hiddenBias);
      return activation(fromInput.add(fromState));
    },
  };
}

/**
 * The gated recurrent unit (Cho et al. 2014), in the variant that applies the reset gate after the product with the
 * state, as torch and cuDNN do:
 *
 *     r = σ(x Wᵢᵣ + bᵢᵣ + h Wₕᵣ + bₕᵣ)
 *     z = σ(x Wᵢz + bᵢz + h Wₕz + bₕz)
 *     n = tanh(x Wᵢₙ + bᵢₙ + r ∘ (h Wₕₙ + bₕₙ))
 *     h' = (1 − z) ∘ n + z ∘ h
 */
export function gruCell(
  inputs: number,
  hidden: number,
  options: CellOptions = {},
): Cell<CellParams> {
  requireWidth(inputs, 'gruCell: number of inputs');
  requireWidth(hidden, 'gruCell: number of hidden units');
  return {
    inputs,
    hidden,
    init: (rng) => initCell(rng, 3, inputs, hidden, options),
    apply(params, h, x) {
      requireStep(h, x, hidden, inputs, 'gruCell');
      const batch = h.shape[0];
      const fromInput = x.matMul(params.inputWeight).add(params.inputBias);
      const fromState = h.matMul(params.hiddenWeight).add(params.hiddenBias);
      const block = (joined: Tensor, from: number, gates: number): Tensor =>
        joined.slice([0, from * hidden], [batch, gates * hidden]);
      // reset and update share their non-linearity: one product, one sum, one sigmoid for both
      const both = block(fromInput, 0, 2)
        .add(block(fromState, 0, 2))
        .sigmoid();
      const reset = block(both, 0, 1);
      const update = block(both, 1, 1);
      const candidate = block(fromInput, 2, 1)
        .add(reset.mul(block(fromState, 2, 1)))
        .tanh();
      return candidate.add(update.mul(h.sub(candidate)));
    },
  };
}
