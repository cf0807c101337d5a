/**
 * Continuous normalizing flows (Chen, Rubanova, Bettencourt, Duvenaud 2018, section 4): points of a simple base
 * distribution at one end of a span of time are carried by a learned field to points of the data at the other,
 *
 *     dz/dt = f(t, z),        ∂ log p(z(t))/∂t = −tr ∂f/∂z        (theorem 1),
 *
 * so a log-density is exact up to the tolerance of the solve, in both directions, for any field.
 */
import { direct } from '@neuralode/adjoint';
import type { AdaptiveOptions, FixedStepOptions, OdeintOptions } from '@neuralode/solvers';
import { ArgumentError, type DeviceFunction, type Random, type Tensor } from '@neuralode/tensor';
import type { Base } from './base.ts';
import { drawing, ofPoints } from './calls.ts';
import { type FlowField, requireVelocity } from './field.ts';
import type { FlowCall } from './flow-call.ts';
import { type FlowDynamics, flowDynamics } from './flow-dynamics.ts';
import { requireContext, requireCount, requirePoints } from './points.ts';
import { closedForm, exact, type Trace } from './traces.ts';

/** What makes a flow, beside how it is solved. */
export interface CnfParts<P> {
  readonly field: FlowField<P>;
  /** Of the field's dimension. */
  readonly base: Base;
  /** How divergences are had where a call does not say. Default: `closedForm()` if the field has one, else `exact()`. */
  readonly trace?: Trace;
  /** Times of the base and of the data. Default [0, 1]. */
  readonly span?: readonly [number, number];
}

/** Settings of `cnf`: the parts, and how the flow is solved and differentiated (default: `direct()`). */
export type CnfOptions<P> = CnfParts<P> &
  (
    | Omit<AdaptiveOptions<never>, 'args' | 'batched'>
    | Omit<FixedStepOptions<never>, 'args' | 'batched'>
  );

/** Points with the log-determinant of the map that led there. */
export interface Mapped {
  /** [batch, dimension]. */
  readonly points: Tensor;
  /** log |det ∂(points)/∂(what was given)|: [batch]. */
  readonly logDet: Tensor;
}

/** Log-densities, and what RNODE's regularisers weigh (Finlay, Jacobsen, Nurbekyan, Oberman 2020, section 3). */
export interface Regularised {
  /** In nats: [batch]. */
  readonly logProb: Tensor;
  /** ∫ ‖f‖² dt along each path: [batch]. */
  readonly kineticEnergy: Tensor;
  /** ∫ ‖∂f/∂z‖²_F dt along each path, estimated where the trace is: [batch]. */
  readonly jacobianNorm: Tensor;
}

/** Points with their log-densities. */
export interface Sampled {
  /** [count, dimension]. */
  readonly points: Tensor;
  /** In nats: [count]. */
  readonly logProb: Tensor;
}

type OfPoints<P, R> = DeviceFunction<[params: P, points: Tensor, call?: FlowCall], R>;
type Drawing<P, R> = DeviceFunction<[params: P, count: number, rng: Random, call?: FlowCall], R>;

/**
 * A flow: pure functions of its parameters. Inside a recorded function (`jit`, `grad`, `train`) they give their result at
 * once; outside, a promise, or by `.sync(…)` the result, and points that are not finite are refused.
 */
export interface Cnf<P> {
  readonly dimension: number;
  readonly base: Base;
  readonly span: readonly [number, number];
  /** Fresh parameters; they belong to the caller. */
  init(rng: Random): P;
  /** Noise for `count` points, where the flow's trace is an estimate. */
  noise(rng: Random, count: number): Tensor;
  /** log p(x) in nats: [batch]. */
  readonly logProb: OfPoints<P, Tensor>;
  /** The same, with the integrals that regularise a flow, from one solve. */
  readonly logProbRegularised: OfPoints<P, Regularised>;
  /** From points of the base to points of the data. */
  readonly transform: OfPoints<P, Tensor>;
  /** The same with log |det ∂x/∂z|. */
  readonly transformWithLogDet: OfPoints<P, Mapped>;
  /** From points of the data to points of the base. */
  readonly inverse: OfPoints<P, Tensor>;
  /** The same with log |det ∂z/∂x|. */
  readonly inverseWithLogDet: OfPoints<P, Mapped>;
  /** Draws `count` points. Not inside a recorded function. */
  readonly sample: Drawing<P, Tensor>;
  /** Draws `count` points with their log-densities, by one solve. Not inside a recorded function. */
  readonly sampleAndLogProb: Drawing<P, Sampled>;
  /** Where points of the base are at `times`, which begin with the base's: [time, batch, dimension]. */
  path(params: P, z: Tensor, times: readonly number[], call?: FlowCall): Tensor;
  /** The field itself, at one time or, with `t` [batch], at a time for each point. */
  velocity(params: P, t: Tensor, z: Tensor, call?: FlowCall): Tensor;
}

/** Makes a flow; see the head of this file. */
export function cnf<P>(options: CnfOptions<P>): Cnf<P> {
  const { field, base, span, trace, dynamics } = settingsOf(options);
  const { dimension } = field;
  const start = span[0];
  const end = ({ time = span[1] }: FlowCall): number => requireTime(time, span);

  const check = (points: Tensor, who: string, { context }: FlowCall): void => {
    requirePoints(points, dimension, who);
    requireContext(context, points.shape[0], who);
  };

  const transformWithLogDet = ofPoints(
    check,
    'transformWithLogDet',
    (params: P, z, call): Mapped => {
      const { points, logDet } = dynamics.follow(params, z, [start, end(call)], 'logDet', call);
      return { points, logDet };
    },
  );
  const inverseWithLogDet = ofPoints(check, 'inverseWithLogDet', (params: P, x, call): Mapped => {
    const { points, logDet } = dynamics.follow(params, x, [end(call), start], 'logDet', call);
    return { points, logDet };
  });
  const transform = ofPoints(
    check,
    'transform',
    (params: P, z, call) => dynamics.follow(params, z, [start, end(call)], 'points', call).points,
  );
  const sampledFrom = (params: P, z: Tensor, call: FlowCall): Sampled => {
    const { points, logDet } = transformWithLogDet(params, z, call);
    return { points, logProb: base.logProb(z).sub(logDet) };
  };

  return {
    dimension,
    base,
    span,
    init: (rng) => field.init(rng),
    noise: (rng, count) => noiseOf(trace, rng, [count, dimension]),
    transform,
    transformWithLogDet,
    inverseWithLogDet,
    inverse: ofPoints(
      check,
      'inverse',
      (params, x, call) => dynamics.follow(params, x, [end(call), start], 'points', call).points,
    ),
    logProb: ofPoints(check, 'logProb', (params, x, call) => {
      const { points, logDet } = inverseWithLogDet(params, x, call);
      return base.logProb(points).add(logDet);
    }),
    logProbRegularised: ofPoints(check, 'logProbRegularised', (params, x, call) => {
      const all = dynamics.follow(params, x, [end(call), start], 'regularised', call);
      const { points, logDet, kineticEnergy, jacobianNorm } = all;
      return { logProb: base.logProb(points).add(logDet), kineticEnergy, jacobianNorm };
    }),
    sample: drawing(base, undefined, 'sample', (params, z, call) => transform(params, z, call)),
    sampleAndLogProb: drawing(base, trace, 'sampleAndLogProb', sampledFrom),
    path(params, z, times, call = {}) {
      check(z, 'path', call);
      return dynamics.path(params, z, requireStart(times, start), call);
    },
    velocity(params, t, z, call = {}) {
      check(z, 'velocity', call);
      return requireVelocity(field.apply(params, t, z, call.context), z);
    },
  };
}

interface Settings<P> {
  readonly field: FlowField<P>;
  readonly base: Base;
  readonly span: readonly [number, number];
  readonly trace: Trace;
  readonly dynamics: FlowDynamics<P>;
}

function settingsOf<P>(options: CnfOptions<P>): Settings<P> {
  const { field, base, trace, span = [0, 1], ...given } = options;
  if (base.dimension !== field.dimension) {
    throw new ArgumentError({
      what: 'cnf: base and field differ in dimension',
      got: `a base of ${base.dimension}`,
      expected: `${field.dimension}, as the field has`,
    });
  }
  const [from, to] = span;
  if (!(Number.isFinite(from) && Number.isFinite(to) && from !== to)) {
    throw new ArgumentError({
      what: 'cnf: span',
      got: `[${span.join(', ')}]`,
      expected: 'two finite, different times',
    });
  }
  const solve = { gradient: direct(), ...given } as OdeintOptions<unknown>;
  const chosen = trace ?? (field.linearise === undefined ? exact() : closedForm());
  return { field, base, span, trace: chosen, dynamics: flowDynamics(field, chosen, solve) };
}

function noiseOf(trace: Trace, rng: Random, shape: readonly [number, number]): Tensor {
  requireCount(shape[0], 'noise');
  if (trace.noise !== undefined) return trace.noise(rng, shape);
  throw new ArgumentError({
    what: `noise: the flow's trace is ${trace.name}, which draws none`,
    remedy: 'Make the flow with { trace: hutchinson() }, or leave the noise out',
  });
}

/** A time after the base's, up to the data's. */
function requireTime(time: number, [from, to]: readonly [number, number]): number {
  const part = (time - from) / (to - from);
  if (part > 0 && part <= 1) return time;
  throw new ArgumentError({
    what: 'cnf: a time outside of the flow',
    got: String(time),
    expected: `after ${from} (the base's), up to ${to} (the data's)`,
  });
}

function requireStart(times: readonly number[], start: number): readonly number[] {
  if (times.length >= 2 && times[0] === start) return times;
  throw new ArgumentError({
    what: 'path: times must be two or more and begin with the time of the base',
    got: `[${times.slice(0, 3).join(', ')}${times.length > 3 ? ', …' : ''}]`,
    expected: `[${start}, …]`,
  });
}
