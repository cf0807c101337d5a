/** Gradient clipping: an optimiser that shortens long gradients before another one uses them. */
import { ArgumentError, flatten } from '@neuralode/tensor';
import type { Optimiser } from './optimiser.ts';

/**
 * Scales all gradients by one factor so that their common Euclidean norm is at most `maxNorm` (Pascanu, Mikolov,
 * Bengio 2013, algorithm 1), then updates with `optimiser`. The norm is met exactly; torch's `clip_grad_norm_` adds
 * 1e-6 to the divisor and falls short by that.
 */
export function clipByGlobalNorm<S>(maxNorm: number, optimiser: Optimiser<S>): Optimiser<S> {
  if (!(maxNorm > 0)) {
    throw new ArgumentError({
      what: 'clipByGlobalNorm: maxNorm out of range',
      got: String(maxNorm),
      expected: 'a number > 0',
    });
  }
  return {
    init: (params) => optimiser.init(params),
    update: (grads, state, params) => optimiser.update(clipped(grads, maxNorm), state, params),
  };
}

function clipped<P>(grads: P, maxNorm: number): P {
  const { tensors, rebuild } = flatten(grads);
  if (tensors.length === 0) return grads;
  const { dtype } = tensors[0];
  const squares = tensors.map((grad) => grad.square().sum().cast(dtype));
  const norm = squares.reduce((sum, square) => sum.add(square)).sqrt();
  // Divides by maxNorm at least, so never by zero; gradients short enough are divided by exactly 1.
  const excess = norm.maximum(maxNorm).div(maxNorm);
  return rebuild(tensors.map((grad) => grad.div(excess.cast(grad.dtype))));
}
