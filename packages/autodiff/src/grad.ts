/**
 * Derivatives of functions of trees of tensors: what a user calls. All of them nest to any order.
 */
import {
  ArgumentError,
  type DeviceFunction,
  DTypeError,
  flatten,
  isDifferentiable,
  leavesWithPaths,
  onesLike,
  record,
  requireSameStructure,
  sameShape,
  ShapeError,
  showShape,
  Tensor,
  zerosLike,
} from '@neuralode/tensor';
import { clean } from './clean.ts';
import { cleanFunction } from './evaluate.ts';
import { pullBack, pushForward } from './transform.ts';

// biome-ignore lint/suspicious/noExplicitAny: any function can be differentiated; its own types are kept.
type AnyArgs = readonly any[];

/** A loss with its gradient: `grads` has the structure of the first argument. */
export interface ValueAndGrad<P> {
  readonly value: Tensor;
  readonly grads: P;
}

/** The same where the function returns `[loss, aux]`. */
export interface ValueAuxAndGrad<P, Aux> extends ValueAndGrad<P> {
  readonly aux: Aux;
}

function requireFloats(tree: unknown, what: string): void {
  for (const { path, tensor } of leavesWithPaths(tree)) {
    if (isDifferentiable(tensor)) continue;
    throw new DTypeError({
      what: `${what}: no derivative with respect to whole numbers or booleans`,
      got: `${tensor.dtype}${path && ` at ${path}`}`,
      remedy: 'Cast it to a float dtype, or move it to another argument',
    });
  }
}

function requireScalar(value: unknown, what: string): asserts value is Tensor {
  if (value instanceof Tensor && value.size === 1 && value.rank === 0) {
    requireFloats(value, what);
    return;
  }
  throw new ShapeError({
    what: `${what}: the function must return a scalar tensor`,
    got: value instanceof Tensor ? showShape(value.shape) : String(value),
    remedy: 'Reduce it, for example with .mean() or .sum(), or use vjp',
  });
}

/** Records `fn` with its first argument's tensors as inputs; everything else it reads is a capture. */
function differentiateFirst<R>(fn: (...args: AnyArgs) => R, args: AnyArgs) {
  const [first, ...rest] = args;
  const { tensors, rebuild } = flatten(first);
  const recording = record(tensors, (...stand) => fn(rebuild(stand), ...rest));
  const inputs = [...tensors, ...recording.captures];
  const needs = inputs.map((_, i) => i < tensors.length);
  const { outputs, pullback } = pullBack(clean(recording.graph), inputs, needs);
  const gradsFor = (cotangents: readonly (Tensor | null)[]) => {
    const results = pullback(cotangents);
    return rebuild(tensors.map((tensor, i) => results[i] ?? zerosLike(tensor)));
  };
  return { result: recording.rebuild(outputs), outputs, gradsFor };
}

interface AuxOption {
  /** The function returns `[loss, aux]`; aux (any tree) is passed through. */
  readonly hasAux: true;
}

/**
 * The function that gives `fn`'s value, a scalar, and its gradient with respect to the first argument (a tree of float
 * tensors). Further arguments, and whatever `fn` captures, are held fixed.
 *
 *     const { value, grads } = await valueAndGrad(loss)(params, batch)
 */
export function valueAndGrad<Args extends AnyArgs>(
  fn: (...args: Args) => Tensor,
): DeviceFunction<Args, ValueAndGrad<Args[0]>>;
export function valueAndGrad<Args extends AnyArgs, Aux>(
  fn: (...args: Args) => readonly [Tensor, Aux],
  options: AuxOption,
): DeviceFunction<Args, ValueAuxAndGrad<Args[0], Aux>>;
export function valueAndGrad(
  fn: (...args: AnyArgs) => unknown,
  options?: AuxOption,
): DeviceFunction<AnyArgs, unknown> {
  return cleanFunction((...args: AnyArgs) => {
    requireFloats(args[0], 'grad');
    const { result, outputs, gradsFor } = differentiateFirst(fn, args);
    const [value, aux] = options?.hasAux ? (result as [unknown, unknown]) : [result];
    requireScalar(value, 'grad');
    // The loss is the first output; aux, a by-product, has no cotangent.
    const cotangents = outputs.map((_, i) => (i === 0 ? onesLike(value) : null));
    const grads = gradsFor(cotangents);
    return options?.hasAux ? { value, aux, grads } : { value, grads };
  });
}

/** The gradient alone; see `valueAndGrad`. */
export function grad<Args extends AnyArgs>(
  fn: (...args: Args) => Tensor,
): DeviceFunction<Args, Args[0]> {
  const both = valueAndGrad(fn);
  return cleanFunction((...args: Args) => both(...args).grads);
}

function requireLike(tree: unknown, other: unknown, what: string): void {
  requireSameStructure(tree, other, what);
  const others = leavesWithPaths(other);
  leavesWithPaths(tree).forEach(({ path, tensor }, i) => {
    const got = others[i].tensor;
    if (sameShape(got.shape, tensor.shape) && got.dtype === tensor.dtype) return;
    throw new ShapeError({
      what: `${what}: a leaf of different shape or dtype${path && ` at ${path}`}`,
      got: `${got.dtype}${showShape(got.shape)}`,
      expected: `${tensor.dtype}${showShape(tensor.shape)}`,
    });
  });
}

/**
 * Forward mode: `fn`'s value at `primals`, and the derivative of its value along `tangents` (the Jacobian times the
 * tangents). Both are argument lists of `fn`: arrays of trees, of one structure. `tangent` has the structure of `value`.
 */
export const jvp = cleanFunction(
  (fn: (...args: AnyArgs) => unknown, primals: AnyArgs, tangents: AnyArgs) => {
    const { tensors, rebuild } = flatten(primals);
    requireLike(primals, tangents, 'jvp: tangents');
    requireFloats(primals, 'jvp');
    const recording = record(tensors, (...stand) => fn(...rebuild(stand)));
    const inputs = [...tensors, ...recording.captures];
    const result = pushForward(clean(recording.graph), inputs, flatten(tangents).tensors);
    const along = result.outputs.map((output, i) => result.tangents[i] ?? zerosLike(output));
    return { value: recording.rebuild(result.outputs), tangent: recording.rebuild(along) };
  },
) as unknown as JvpFunction;

interface JvpFunction {
  <Args extends AnyArgs, R>(
    fn: (...args: Args) => R,
    primals: Args,
    tangents: Args,
  ): ReturnType<DeviceFunction<[], { value: R; tangent: R }>>;
  sync<Args extends AnyArgs, R>(
    fn: (...args: Args) => R,
    primals: Args,
    tangents: Args,
  ): { value: R; tangent: R };
}

/**
 * Reverse mode: `fn`'s value at `primals` (its argument list), and the cotangents of those arguments given a cotangent
 * of the value (of the value's structure): the transposed Jacobian times the cotangent.
 */
export const vjp = cleanFunction(
  (fn: (...args: AnyArgs) => unknown, primals: AnyArgs, cotangent: unknown) => {
    requireFloats(primals, 'vjp');
    const { result, gradsFor } = differentiateFirst((all: AnyArgs) => fn(...all), [primals]);
    requireLike(result, cotangent, 'vjp: cotangent');
    return { value: result, grads: gradsFor(flatten(cotangent).tensors) };
  },
) as unknown as VjpFunction;

interface VjpFunction {
  <Args extends AnyArgs, R>(
    fn: (...args: Args) => R,
    primals: Args,
    cotangent: R,
  ): ReturnType<DeviceFunction<[], { value: R; grads: Args }>>;
  sync<Args extends AnyArgs, R>(
    fn: (...args: Args) => R,
    primals: Args,
    cotangent: R,
  ): { value: R; grads: Args };
}

/** The Hessian of the scalar `fn` at `primal` times `direction`: forward mode over reverse mode. */
export const hvp = cleanFunction(
  (fn: (primal: unknown) => Tensor, primal: unknown, direction: unknown) => {
    if (typeof fn !== 'function') throw new ArgumentError({ what: 'hvp: needs a function' });
    return jvp((at: unknown) => grad(fn)(at), [primal], [direction]).tangent;
  },
) as unknown as HvpFunction;

interface HvpFunction {
  <P>(fn: (primal: P) => Tensor, primal: P, direction: P): ReturnType<DeviceFunction<[], P>>;
  sync<P>(fn: (primal: P) => Tensor, primal: P, direction: P): P;
}
