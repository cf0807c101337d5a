/** What flows are trained on: samples of a distribution, or its unnormalised log-density. */
import { ShapeError, sameShape, showShape, Tensor } from '@neuralode/tensor';
import type { Cnf } from './cnf.ts';
import type { FlowCall } from './flow-call.ts';

/** A log-density in nats, up to a constant: [batch, dimension] to [batch]. */
export type LogDensity = (points: Tensor) => Tensor;

/** What a density can be matched with: a flow of either kind. */
export type Samplable<P> = Pick<Cnf<P>, 'base'> & {
  transformWithLogDet(
    params: P,
    z: Tensor,
    call?: FlowCall,
  ): { readonly points: Tensor; readonly logDet: Tensor };
};

/** What data can be fitted by: a flow of either kind. */
export interface Scorable<P> {
  logProb(params: P, x: Tensor, call?: FlowCall): Tensor;
}

/** Maximum likelihood: the mean of −log p(x) over a batch, in nats. A scalar; call it inside a recorded function. */
export function negativeLogLikelihood<P>(
  flow: Scorable<P>,
  params: P,
  x: Tensor,
  call: FlowCall = {},
): Tensor {
  return flow.logProb(params, x, call).mean().neg();
}

/**
 * Density matching: E_q [log q(x) − log p̃(x)] over the points that the flow makes of `z`, drawn from its base. It is
 * KL(q ‖ p) − log Z, where p = p̃/Z (Rezende and Mohamed 2015, equation 15, at β = 1). A scalar, in nats.
 */
export function reverseKl<P>(
  flow: Samplable<P>,
  params: P,
  z: Tensor,
  target: LogDensity,
  call: FlowCall = {},
): Tensor {
  const { points, logDet } = flow.transformWithLogDet(params, z, call);
  const wanted = target(points);
  if (!(wanted instanceof Tensor) || !sameShape(wanted.shape, logDet.shape)) {
    throw new ShapeError({
      what: 'reverseKl: the target log-density must give one number for each point',
      got: wanted instanceof Tensor ? showShape(wanted.shape) : typeof wanted,
      expected: `a tensor ${showShape(logDet.shape)} of points ${showShape(points.shape)}`,
      remedy: 'Reduce over the last axis only, as in .sum(-1)',
    });
  }
  return flow.base.logProb(z).sub(logDet).sub(wanted).mean();
}

/** Weights of RNODE's regularisers. */
export interface RegulariserWeights {
  /** Of ∫ ‖f‖² dt. Default 0.01. */
  readonly kineticEnergy?: number;
  /** Of ∫ ‖∂f/∂z‖²_F dt. Default 0.01. */
  readonly jacobianNorm?: number;
}

/**
 * Maximum likelihood with the regularisers of Finlay, Jacobsen, Nurbekyan and Oberman (2020, equation 8), which prefer
 * straight paths, each divided by the dimension like there. A scalar.
 */
export function regularisedLogLikelihood<P>(
  flow: Cnf<P>,
  params: P,
  x: Tensor,
  weights: RegulariserWeights = {},
  call: FlowCall = {},
): Tensor {
  const { kineticEnergy = 0.01, jacobianNorm = 0.01 } = weights;
  const all = flow.logProbRegularised(params, x, call);
  const kinetic = all.kineticEnergy.mean().mul(kineticEnergy / flow.dimension);
  const jacobian = all.jacobianNorm.mean().mul(jacobianNorm / flow.dimension);
  return all.logProb.mean().neg().add(kinetic).add(jacobian);
}
