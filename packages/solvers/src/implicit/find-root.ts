/**
 * `newtonSolve` for a user: the root of a function of tensors, as one differentiable node.
 */
import { clean } from '@neuralode/autodiff';
import {
  apply,
  ArgumentError,
  concat,
  deviceFunction,
  flatten,
  type Graph,
  isFloat,
  type Pending,
  record,
  type Spec,
  sizeOf,
  type Tensor,
} from '@neuralode/tensor';
import { jacobianOf } from './jacobian.ts';
import { newtonScale } from './newton-stage.ts';
import { type NewtonAttrs, newtonSolvePrimitive } from './newton-solve.ts';

export interface NewtonOptions {
  /** A RootError after so many iterations. Default 50. */
  readonly maxIterations?: number;
}

const pack = (leaves: readonly Tensor[]): Tensor =>
  concat(leaves.map((leaf) => leaf.reshape([sizeOf(leaf.shape)])));

function unpack(vector: Tensor, specs: readonly Spec[]): Tensor[] {
  let from = 0;
  return specs.map(({ shape }) => {
    const size = sizeOf(shape);
    from += size;
    return vector.slice([from - size], [size]).reshape(shape);
  });
}

/** g with z and its value as vectors. Inputs: z, where to start, the parameters, what g captures. */
function recordResidual<Z, P>(g: (z: Z, params: P) => Z, start: Z, params: P) {
  const unknowns = flatten(start);
  const given = flatten(params);
  const size = unknowns.tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const vector: Spec = { shape: [size], dtype: unknowns.tensors[0].dtype };
  const { graph, captures } = record([vector, vector, ...given.tensors], (z, _, ...rest) => {
    const point = unknowns.rebuild(unpack(z, unknowns.tensors));
    const values = flatten(g(point, given.rebuild(rest))).tensors;
    const got = values.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (got === size) return pack(values);
    throw new ArgumentError({
      what: 'newtonSolve: there must be as many equations as unknowns',
      got: `${got}`,
      expected: `${size}`,
    });
  });
  return { residual: clean(graph), vector, constants: [...given.tensors, ...captures] };
}

function attrsOf(residual: Graph, vector: Spec, options: NewtonOptions): NewtonAttrs {
  const params = residual.inputs.slice(1);
  const square = { shape: [vector.shape[0], vector.shape[0]], dtype: vector.dtype };
  const jacobian = record(params, (from, ...rest) =>
    jacobianOf(residual, [from, from, ...rest], 0),
  );
  const rounding = vector.dtype === 'float32' ? 2 ** -23 : 2 ** -52;
  return {
    residual,
    jacobian: clean(jacobian.graph),
    matrix: record([square, ...params], (kept) => kept).graph,
    control: { maxIterations: options.maxIterations ?? 50, tolerance: 4 * rounding, rounding },
    evaluations: 1,
    shared: false,
  };
}

function findRoot<Z, P>(
  g: (z: Z, params: P) => Z,
  start: Z,
  params: P,
  options: NewtonOptions = {},
): Z {
  const unknowns = flatten(start);
  if (unknowns.tensors.length === 0 || unknowns.tensors.some(({ dtype }) => !isFloat(dtype))) {
    throw new ArgumentError({ what: 'newtonSolve: the unknowns must be floating-point tensors' });
  }
  const { residual, vector, constants } = recordResidual(g, start, params);
  const from = pack(unknowns.tensors);
  const scale = newtonScale({ kind: 'fixed', stepSize: 1, maxSteps: 1 }, from);
  const inputs = [from, scale, from, ...constants];
  const [root] = apply(newtonSolvePrimitive, inputs, attrsOf(residual, vector, options));
  return unknowns.rebuild(unpack(root, unknowns.tensors));
}

/**
 * A root that was found by other means, as the function of what `g` captures that the equation g(z) = 0 makes of it:
 * its value is as given, its derivatives are those of the implicit function. Records.
 */
export function implicitRoot(g: (z: Tensor) => Tensor, root: Tensor): Tensor {
  const { residual, vector, constants } = recordResidual<Tensor, null>(g, root, null);
  const from = pack([root]);
  const attrs = { ...attrsOf(residual, vector, {}), found: true };
  const [implied] = apply(newtonSolvePrimitive, [from, from, from, ...constants], attrs);
  return implied.reshape(root.shape);
}

/**
 * The z with g(z, params) = 0 that Newton's simplified iteration finds from `start`: with the exact Jacobian there, kept
 * for all iterations. Differentiable to any order by `params` and by what `g` captures; not by `start`.
 *
 *     const root = await newtonSolve((z, a) => z.square().sub(a), tensor([1]), tensor([2])); // √2
 *
 * @param g as many equations as unknowns; recorded once
 * @param start a tree of float tensors of one dtype
 * @throws RootError if the iteration does not converge
 */
export const newtonSolve = deviceFunction(findRoot) as unknown as {
  <Z, P>(g: (z: Z, params: P) => Z, start: Z, params: P, options?: NewtonOptions): Pending<Z>;
  sync<Z, P>(g: (z: Z, params: P) => Z, start: Z, params: P, options?: NewtonOptions): Z;
};
