/** The field of a flow: dz/dt = f(t, z), with its parameters in a tree and, where it knows it, its divergence. */
import {
  ArgumentError,
  type Random,
  ShapeError,
  sameShape,
  showShape,
  Tensor,
} from '@neuralode/tensor';

/** A field at points, with the first derivatives that a flow needs. */
export interface Linearised {
  /** f(t, z): [batch, dimension]. */
  readonly velocity: Tensor;
  /** tr ∂f/∂z, or an unbiased estimate of it: [batch]. */
  readonly divergence: Tensor;
  /** ‖∂f/∂z‖²_F, or an unbiased estimate of it: [batch]. */
  readonly squaredJacobian: Tensor;
}

/** A field with parameters of type `P`, a tree of tensors. All functions are pure. */
export interface FlowField<P> {
  /** Of a point. */
  readonly dimension: number;
  /** Fresh parameters; they belong to the caller. */
  init(rng: Random): P;
  /**
   * dz/dt [batch, dimension] at `z` [batch, dimension]. `t` is a scalar, or [batch] where each point has a time of its
   * own, as in flow matching. Rows must not depend on each other. `context` [batch, …] is what the caller conditions on.
   */
  apply(params: P, t: Tensor, z: Tensor, context?: Tensor): Tensor;
  /** The same with the exact divergence and Jacobian norm, where there is a closed form. */
  linearise?(params: P, t: Tensor, z: Tensor, context?: Tensor): Linearised;
}

/** Throws unless `value` is a velocity at `z`. */
export function requireVelocity(value: unknown, z: Tensor): Tensor {
  if (value instanceof Tensor && sameShape(value.shape, z.shape)) return value;
  throw new ShapeError({
    what: 'cnf: the field did not return dz/dt',
    got: value instanceof Tensor ? showShape(value.shape) : typeof value,
    expected: `a tensor ${showShape(z.shape)}`,
  });
}

/** Throws unless `dimension` can be the dimension of a point. */
export function requireDimension(dimension: number, who: string): void {
  if (Number.isSafeInteger(dimension) && dimension > 0) return;
  throw new ArgumentError({
    what: `${who}: dimension`,
    got: String(dimension),
    expected: 'a positive integer',
  });
}

/** Times as a column: [1, 1] for a common one, [batch, 1] for one a row. */
export function timeColumn(t: Tensor): Tensor {
  return t.reshape([-1, 1]);
}
