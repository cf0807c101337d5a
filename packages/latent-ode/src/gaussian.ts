/**
 * Diagonal Gaussians: the few formulas that a variational model is made of. Every function is recorded like any other,
 * and reduces over the last axes only as its name says; batches stay apart.
 */
import { type Operand, ShapeError, showShape, sameShape, type Tensor } from '@neuralode/tensor';

/** N(mean, diag exp(logVariance)); both tensors have the same shape. */
export interface Gaussian {
  readonly mean: Tensor;
  readonly logVariance: Tensor;
}

/** `mean + σ ∘ noise` with noise from N(0, 1) of the same shape (Kingma and Welling 2013, section 2.4). */
export function reparametrise({ mean, logVariance }: Gaussian, noise: Tensor): Tensor {
  if (!sameShape(mean.shape, noise.shape)) {
    throw new ShapeError({
      what: 'reparametrise: the noise is not shaped like the distribution',
      got: showShape(noise.shape),
      expected: showShape(mean.shape),
    });
  }
  return mean.add(logVariance.mul(0.5).exp().mul(noise));
}

/**
 * KL(q ‖ N(0, 1)), element by element: ½ (μ² + σ² − 1 − log σ²) (Kingma and Welling 2013, appendix B). Sum it over the
 * latent axis for the divergence of the whole.
 */
export function klFromStandardNormal({ mean, logVariance }: Gaussian): Tensor {
  return mean.square().add(logVariance.expm1()).sub(logVariance).mul(0.5);
}

/** log N(x; mean, σ²), element by element: −½ (((x − μ)/σ)² + log σ² + log 2π), with `logNoise` = log σ. */
export function gaussianLogDensity(x: Tensor, mean: Tensor, logNoise: Operand): Tensor {
  const logVariance = typeof logNoise === 'number' ? 2 * logNoise : logNoise.mul(2);
  const squares = x.sub(mean).square();
  const constant = Math.log(2 * Math.PI);
  if (typeof logVariance === 'number') {
    return squares.mul(-0.5 * Math.exp(-logVariance)).sub(0.5 * (logVariance + constant));
  }
  return squares.mul(logVariance.neg().exp()).add(logVariance).add(constant).mul(-0.5);
}
