/**
 * `krylovSolve`: x with L(x; q) = b, where the graph L is linear in x, by GMRES: as one node of the graph, without ever
 * forming the matrix.
 *
 * It is differentiated by solves with the same map: L(ẋ; q) = ḃ − ∂L/∂q(x; q) q̇; and backwards Lᵀ λ = x̄, b̄ = λ,
 * q̄ = −(∂L/∂q(x; q))ᵀ λ (the rule of `linearSolve`; Giles 2008, 2.3.1). So it nests.
 */
import { clean, pullBack, pushForward } from '@neuralode/autodiff';
import {
  apply,
  type Backend,
  DeviceBuffer,
  type DerivativeRule,
  type DType,
  type Graph,
  hostArray,
  onesLike,
  type Primitive,
  type Run,
  record,
  runGraph,
  type Slot,
  type Spec,
  type Tensor,
  zerosLike,
} from '@neuralode/tensor';
import { type Gmres, type LinearMap, solveGmres } from './gmres.ts';
import { RootError } from './root-error.ts';
import type { NewtonWork } from './newton-work.ts';

/** Inputs of the node: b [n], the scale of each unknown [n], q, and a `NewtonWork` where `shared`. Output: x [n]. */
export interface KrylovAttrs {
  /** Inputs: x [n], q. Output: L(x; q) [n]. */
  readonly product: Graph;
  /** Inputs: λ [n], q. Output: Lᵀ λ. */
  readonly transposed: Graph;
  readonly gmres: Gmres;
  /** How small the residual is to be beside b. */
  readonly tolerance: number;
  /** Field evaluations' worth of Jacobian-vector products in one of `product`. */
  readonly weight: number;
  /** Whether a `NewtonWork` is the last input. Then a failure is noted there, and x is NaN. */
  readonly shared: boolean;
}

/** As exactly as the derivatives of a step are to be. */
export function tightTolerance({ dtype }: Pick<Spec, 'dtype'>): number {
  return (dtype === 'float32' ? 2 ** -23 : 2 ** -52) ** 0.75;
}

/** ∂g/∂z and its transpose as maps, from the graph of g with inputs z, q. */
export function mapsOf(residual: Graph): Pick<KrylovAttrs, 'product' | 'transposed'> {
  const [z] = residual.inputs;
  const product = record([z, ...residual.inputs], (v, ...inputs) => {
    const { outputs, tangents } = pushForward(residual, inputs, [
      v,
      ...inputs.slice(1).map(() => null),
    ]);
    return tangents[0] ?? zerosLike(outputs[0]);
  });
  const transposed = record([z, ...residual.inputs], (lambda, ...inputs) => {
    const { pullback } = pullBack(
      residual,
      inputs,
      inputs.map((_, i) => i === 0),
    );
    return pullback([lambda])[0] ?? zerosLike(lambda);
  });
  return { product: clean(product.graph), transposed: clean(transposed.graph) };
}

/** A graph whose first input is a vector, as a map of vectors on the host. */
export function linearMap(
  graph: Graph,
  rest: readonly Slot[],
  backend: Backend,
  counted: () => void,
): LinearMap {
  return function* (vector) {
    const at = uploadVector(backend, vector, graph.inputs[0]);
    let image: Slot | undefined;
    try {
      [image] = yield* runGraph(graph, [at, ...rest], backend);
      counted();
      return Float64Array.from(yield image as DeviceBuffer);
    } finally {
      image?.release();
      at.release();
    }
  };
}

export function uploadVector(
  backend: Backend,
  values: Float64Array,
  { shape, dtype }: Spec,
): DeviceBuffer {
  const host = hostArray(dtype as DType, values.length);
  host.set(values);
  return new DeviceBuffer(backend, backend.upload(host, shape, dtype as DType));
}

const krylovSolvePrimitive: Primitive<KrylovAttrs> = {
  name: 'krylovSolve',
  infer: ([b]) => [{ shape: b.shape, dtype: b.dtype }],
  *run(inputs, attrs, backend): Run<Slot[]> {
    const { product, gmres, tolerance, weight, shared } = attrs;
    const work = shared ? (inputs.at(-1) as NewtonWork) : undefined;
    const [side, scale] = inputs;
    const b = Float64Array.from(yield side as DeviceBuffer);
    const units = Float64Array.from(yield scale as DeviceBuffer);
    const rest = inputs.slice(2, product.inputs.length + 1);
    const map = linearMap(product, rest, backend, () => work?.multiplied(weight));
    const target = tolerance * rootMeanSquare(b, units);
    const { x, residual } = yield* solveGmres(map, b, units, gmres, target);
    // Rounding may hide the last of it; the half of the digits must be there.
    if (!(residual <= Math.max(1, Math.sqrt(tolerance) / tolerance) * target)) {
      if (work === undefined) throw stalled(gmres);
      work.failure ??= b.every(Number.isFinite) ? 'diverged' : 'non-finite';
      x.fill(Number.NaN);
    }
    return [uploadVector(backend, x, product.inputs[0])];
  },
  get derivative() {
    return rule;
  },
};

function rootMeanSquare(values: Float64Array, units: Float64Array): number {
  const total = values.reduce((sum, each, i) => sum + (each / units[i]) ** 2, 0);
  return Math.sqrt(total / Math.max(1, values.length));
}

function stalled({ maxProducts, restart }: Gmres): RootError {
  return new RootError({
    what: `gmres: a linear system was not solved within ${maxProducts} products, ${restart} directions at a time`,
    remedy: 'Give it more of either, or solve densely by leaving linearSolver out',
  });
}

/** Where the inputs L is a function of end. */
function split<T>(inputs: readonly T[], { product }: KrylovAttrs): { q: T[]; rest: T[] } {
  const end = product.inputs.length + 1;
  return { q: inputs.slice(2, end), rest: inputs.slice(end) };
}

/** Solves for a derivative: nobody's step depends on it. */
function solveAlone(b: Tensor, scale: Tensor, q: readonly Tensor[], attrs: KrylovAttrs): Tensor {
  const alone = { ...attrs, shared: false, tolerance: tightTolerance(b) };
  return apply(krylovSolvePrimitive, [b, scale, ...q], alone)[0];
}

const rule: DerivativeRule<KrylovAttrs> = {
  jvp(inputs, tangents, attrs, modes) {
    const [x] = apply(krylovSolvePrimitive, inputs, attrs);
    const { q } = split(inputs, attrs);
    const moving = [null, ...split(tangents, attrs).q];
    const [moved] = modes.pushForward(attrs.product, [x, ...q], moving).tangents;
    let [side] = tangents;
    if (moved !== null) side = side === null ? moved.neg() : side.sub(moved);
    return { outputs: [x], tangents: [side && solveAlone(side, inputs[1], q, attrs)] };
  },
  vjp(inputs, attrs, needs, modes) {
    const [x] = apply(krylovSolvePrimitive, inputs, attrs);
    const { q, rest } = split(inputs, attrs);
    return {
      outputs: [x],
      pullback([cotangent]) {
        if (cotangent === null) return inputs.map(() => null);
        const turned = { ...attrs, product: attrs.transposed, transposed: attrs.product };
        // Scaled the other way round, as the transposed map is.
        const lambda = solveAlone(cotangent, onesLike(inputs[1]).div(inputs[1]), q, turned);
        const wanted = [false, ...split(needs, attrs).q];
        const { pullback } = modes.pullBack(attrs.product, [x, ...q], wanted);
        const [, ...byMap] = pullback([lambda.neg()]);
        return [needs[0] ? lambda : null, null, ...byMap, ...rest.map(() => null)];
      },
    };
  },
};

/** Records x with L(x; q) = b; see `KrylovAttrs`. `work` where it is part of a step. */
export function krylovSolve(
  { b, scale, q, work }: { b: Tensor; scale: Tensor; q: readonly Tensor[]; work?: Tensor },
  attrs: Omit<KrylovAttrs, 'shared'>,
): Tensor {
  const inputs = [b, scale, ...q, ...(work === undefined ? [] : [work])];
  return apply(krylovSolvePrimitive, inputs, { ...attrs, shared: work !== undefined })[0];
}
