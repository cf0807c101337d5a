/** The one system that a flow solves: points, and what is integrated beside them. */
import { type OdeintOptions, odeint } from '@neuralode/solvers';
import { type Tensor, zeros } from '@neuralode/tensor';
import type { FlowCall } from './flow-call.ts';
import { type FlowField, type Linearised, requireVelocity } from './field.ts';
import type { Trace } from './traces.ts';

/** What to integrate beside the points. */
export type Wanted = 'points' | 'logDet' | 'regularised';

/** Where points came to, and the integrals along the way: [batch] each, present as wanted. */
export interface Followed {
  readonly points: Tensor;
  /** log |det| of the map: the integral of the divergence, with its sign in the direction gone. */
  readonly logDet: Tensor;
  /** ∫ ‖f‖² |dt|. */
  readonly kineticEnergy: Tensor;
  /** ∫ ‖∂f/∂z‖²_F |dt|. */
  readonly jacobianNorm: Tensor;
}

/** The solves of a flow. */
export interface FlowDynamics<P> {
  follow(
    params: P,
    points: Tensor,
    span: readonly [from: number, to: number],
    wanted: Wanted,
    call: FlowCall,
  ): Followed;
  /** [time, batch, dimension]. */
  path(params: P, points: Tensor, times: readonly number[], call: FlowCall): Tensor;
}

interface Args<P> {
  readonly params: P;
  readonly context?: Tensor;
  readonly noise?: Tensor;
}

function argsOf<P>(params: P, { context, noise }: Pick<FlowCall, 'context' | 'noise'>): Args<P> {
  return { params, ...(context && { context }), ...(noise && { noise }) };
}

export function flowDynamics<P>(
  field: FlowField<P>,
  usual: Trace,
  solve: OdeintOptions<unknown>,
): FlowDynamics<P> {
  const options = solve as OdeintOptions<Args<P>>;
  const velocity = (t: Tensor, z: Tensor, { params, context }: Args<P>): Tensor =>
    requireVelocity(field.apply(params, t, z, context), z);
  const linearise = (trace: Trace, t: Tensor, z: Tensor, args: Args<P>): Linearised => {
    const { params, context, noise } = args;
    const closed = field.linearise;
    const atTime = {
      velocity: (points: Tensor) => velocity(t, points, args),
      ...(closed && {
        linearise: (points: Tensor) => closed.call(field, params, t, points, context),
      }),
    };
    return trace.linearise(atTime, z, noise);
  };

  const path: FlowDynamics<P>['path'] = (params, points, times, call) =>
    odeint(velocity, points, times, { ...options, args: argsOf(params, { context: call.context }) })
      .ys;

  return {
    path,
    follow(params, points, [from, to], wanted, call) {
      if (wanted === 'points') {
        return { points: path(params, points, [from, to], call).at(-1) } as Followed;
      }
      const trace = call.trace ?? usual;
      const none = zeros([points.shape[0]], { dtype: points.dtype });
      const regularised = wanted === 'regularised';
      const start = {
        points,
        logDet: none,
        ...(regularised && { kineticEnergy: none, jacobianNorm: none }),
      } as Followed;
      // Energies grow along the way in either direction of time.
      const sign = Math.sign(to - from);
      const motion = (t: Tensor, { points: z }: Followed, args: Args<P>): Followed => {
        const { velocity: dz, divergence, squaredJacobian } = linearise(trace, t, z, args);
        return {
          points: dz,
          logDet: divergence,
          ...(regularised && {
            kineticEnergy: dz.square().sum(-1).mul(sign),
            jacobianNorm: squaredJacobian.mul(sign),
          }),
        } as Followed;
      };
      const { ys } = odeint(motion, start, [from, to], { ...options, args: argsOf(params, call) });
      return {
        points: ys.points.at(-1),
        logDet: ys.logDet.at(-1),
        ...(regularised && {
          kineticEnergy: ys.kineticEnergy.at(-1),
          jacobianNorm: ys.jacobianNorm.at(-1),
        }),
      } as Followed;
    },
  };
}
