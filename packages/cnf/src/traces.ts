/** How the divergence of a field is had: from its closed form, exactly by forward mode, or by Hutchinson's estimate. */
import { jvp } from '@neuralode/autodiff';
import {
  ArgumentError,
  getBackend,
  type Random,
  ShapeError,
  sameShape,
  scan,
  showShape,
  sizeOf,
  type Tensor,
  tensor,
  type TensorOptions,
  zeros,
} from '@neuralode/tensor';
import type { Linearised } from './field.ts';

/** A field at one time, as a trace sees it. */
export interface FieldAtTime {
  velocity(z: Tensor): Tensor;
  /** Where the field has a closed form. */
  readonly linearise?: (z: Tensor) => Linearised;
}

/** How the divergence is had. */
export interface Trace {
  readonly name: string;
  /** Draws the noise of a solve, where the trace is an estimate. */
  readonly noise?: (rng: Random, shape: readonly number[], options?: TensorOptions) => Tensor;
  /** Field and divergence at `z` [batch, dimension]; `noise`, shaped like it, is the same throughout a solve. */
  linearise(field: FieldAtTime, z: Tensor, noise: Tensor | undefined): Linearised;
}

/** The field's own formula. An error for a field that has none. */
export function closedForm(): Trace {
  return {
    name: 'closedForm',
    linearise({ linearise }, z) {
      if (linearise !== undefined) return linearise(z);
      throw new ArgumentError({
        what: 'closedForm: this field gives no closed form of its divergence',
        remedy: 'Take exact() or hutchinson(), or give the field a `linearise`',
      });
    },
  };
}

/** Up to this dimension the products with the unit vectors are written out: shared parts are then computed once. */
const writtenOut = 4;

/** From this dimension on, the cost of an exact trace is worth a word. */
const costly = 100;

/** Settings of `exact`. */
export interface ExactOptions {
  /** Told once what the trace costs, where the dimension is 100 or more. Default `console.warn`. */
  readonly onCost?: (sentence: string) => void;
}

/** The trace itself, from one Jacobian-vector product for each dimension. */
export function exact(options: ExactOptions = {}): Trace {
  const { onCost = warn } = options;
  let told = false;
  return {
    name: 'exact',
    linearise({ velocity }, z) {
      const [batch, dimension] = z.shape as [number, number];
      if (dimension >= costly && !told) {
        told = true;
        onCost(costOf(dimension));
      }
      if (dimension <= writtenOut) return unrolled(velocity, z);
      const start = { divergence: zeros([batch], z), squaredJacobian: zeros([batch], z) };
      const [sums] = scan(
        (sum, axis: Tensor) => addAxis(sum, velocity, z, axis),
        start,
        unitRows(z),
      );
      return { velocity: velocity(z), ...sums };
    },
  };
}

function warn(sentence: string): void {
  // biome-ignore lint/suspicious/noConsole: who waits for an hour without having asked for it must be told somewhere
  console.warn(sentence);
}

function costOf(dimension: number): string {
  return (
    `neuralode: the exact trace in ${dimension} dimensions takes ${dimension} Jacobian-vector products ` +
    'for each evaluation of the field; hutchinson() takes one.'
  );
}

/** The unit vectors: [dimension, dimension]. */
function unitRows({ shape: [, dimension], dtype }: Tensor): Tensor {
  const elements = new Float64Array(dimension * dimension);
  for (let i = 0; i < dimension; i++) elements[i * dimension + i] = 1;
  return tensor(elements, [dimension, dimension], { dtype });
}

type Sums = Omit<Linearised, 'velocity'>;

/** Adds what one axis [dimension] gives: ∂fᵢ/∂zᵢ, and the squares of the Jacobian's column i. */
function addAxis(
  { divergence, squaredJacobian }: Sums,
  velocity: FieldAtTime['velocity'],
  z: Tensor,
  axis: Tensor,
): readonly [Sums, undefined] {
  const { tangent } = jvp(velocity, [z], [axis.broadcastTo(z.shape)]);
  return [
    {
      divergence: divergence.add(tangent.mul(axis).sum(-1)),
      squaredJacobian: squaredJacobian.add(tangent.square().sum(-1)),
    },
    undefined,
  ];
}

function unrolled(velocity: FieldAtTime['velocity'], z: Tensor): Linearised {
  const axes = unitRows(z);
  const columns = Array.from(
    { length: z.shape[1] },
    (_, i) => jvp(velocity, [z], [axes.at(i).broadcastTo(z.shape)]).tangent,
  );
  const total = (parts: readonly Tensor[]): Tensor => parts.reduce((sum, part) => sum.add(part));
  return {
    velocity: velocity(z),
    divergence: total(columns.map((column, i) => column.at(i, 1))),
    squaredJacobian: total(columns.map((column) => column.square().sum(-1))),
  };
}

/** Distributions of Hutchinson's noise, of mean 0 and covariance 1. */
export type Noise = 'gaussian' | 'rademacher';

/** Settings of `hutchinson`. */
export interface HutchinsonOptions {
  /** Default `rademacher`, ±1, whose variance is the least (Hutchinson 1990). */
  readonly noise?: Noise;
}

/**
 * Hutchinson's estimate εᵀ (∂f/∂z) ε, whose mean over ε is the trace, from one Jacobian-vector product; ‖(∂f/∂z) ε‖²
 * estimates the squared norm alike. One ε serves a whole solve (Grathwohl et al. 2019, section 3.1), so that what is
 * integrated is a smooth function.
 */
export function hutchinson(options: HutchinsonOptions = {}): Trace {
  const { noise: kind = 'rademacher' } = options;
  if (kind !== 'gaussian' && kind !== 'rademacher') {
    throw new ArgumentError({
      what: 'hutchinson: no such noise',
      got: String(kind),
      expected: 'gaussian or rademacher',
    });
  }
  return {
    name: `hutchinson, ${kind}`,
    noise: kind === 'gaussian' ? gaussianNoise : rademacherNoise,
    linearise({ velocity }, z, noise) {
      requireNoise(noise, z);
      const { value, tangent } = jvp(velocity, [z], [noise]);
      return {
        velocity: value,
        divergence: tangent.mul(noise).sum(-1),
        squaredJacobian: tangent.square().sum(-1),
      };
    },
  };
}

function gaussianNoise(rng: Random, shape: readonly number[], options?: TensorOptions): Tensor {
  return rng.normal(shape, 0, 1, options);
}

function rademacherNoise(rng: Random, shape: readonly number[], options?: TensorOptions): Tensor {
  const signs = Float64Array.from({ length: sizeOf(shape) }, () => (rng.next() < 0.5 ? -1 : 1));
  return tensor(signs, shape, { dtype: options?.dtype ?? getBackend().floatDType });
}

function requireNoise(noise: Tensor | undefined, z: Tensor): asserts noise is Tensor {
  if (noise === undefined) {
    throw new ArgumentError({
      what: 'hutchinson: the estimate needs noise, and none was given',
      remedy: 'Pass { noise: flow.noise(rng, count) }, or { trace: exact() } for this call',
    });
  }
  if (sameShape(noise.shape, z.shape)) return;
  throw new ShapeError({
    what: 'hutchinson: the noise is not shaped like the points',
    got: showShape(noise.shape),
    expected: showShape(z.shape),
  });
}
