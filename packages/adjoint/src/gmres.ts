/**
 * `operatorSolve`: x with A x = b where A is known by what it makes of a vector, by GMRES (Saad and Schultz 1986, "GMRES: a
 * generalized minimal residual algorithm for solving nonsymmetric linear systems"), restarted. Products with A run on the
 * device; the basis of the Krylov space lives on the host, in float64.
 *
 * It is differentiated by solves with the same operator and with its transpose, as `linearSolve` is (Giles 2008, 2.3.1).
 */
import { clean, pullBack, pushForward, sumOf } from '@neuralode/autodiff';
import {
  apply,
  type Backend,
  DeviceBuffer,
  type DerivativeRule,
  type DType,
  type Graph,
  hostArray,
  NeuralodeError,
  type Primitive,
  type Run,
  record,
  runGraph,
  type Slot,
  type Tensor,
  zerosLike,
} from '@neuralode/tensor';

/** The iteration did not come near enough. */
export class LinearSolveError extends NeuralodeError {}

export interface GmresControl {
  /** Of the residual, relative to b. */
  readonly tolerance: number;
  /** Products with A before the iteration starts afresh from what it has. */
  readonly restart: number;
  /** Products with A in all. */
  readonly maxIterations: number;
}

/** Inputs of the node: b [n], the operator's parameters. Output: x [n]. */
interface OperatorSolveAttrs extends GmresControl {
  /** Inputs: v [n], the parameters. Output: A v, linear in v. */
  readonly operator: Graph;
}

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, x, i) => sum + x * b[i], 0);
const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

function addTo(target: Float64Array, weight: number, source: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += weight * source[i];
}

class Gmres {
  readonly #attrs: OperatorSolveAttrs;
  readonly #params: readonly Slot[];
  readonly #backend: Backend;
  #products = 0;

  constructor(attrs: OperatorSolveAttrs, params: readonly Slot[], backend: Backend) {
    this.#attrs = attrs;
    this.#params = params;
    this.#backend = backend;
  }

  *solve(b: Float64Array): Run<Float64Array> {
    const { tolerance, maxIterations } = this.#attrs;
    const x = new Float64Array(b.length);
    const target = tolerance * norm(b);
    for (;;) {
      const residual = b.slice();
      if (this.#products > 0) addTo(residual, -1, yield* this.#product(x));
      const left = norm(residual);
      if (left <= target) return x;
      if (!Number.isFinite(left) || this.#products >= maxIterations) this.#fail(left / norm(b));
      yield* this.#cycle(x, residual, left, target);
    }
  }

  #fail(left: number): never {
    throw new LinearSolveError({
      what: `implicit: GMRES left a residual of ${left.toExponential(1)} of the right-hand side after ${this.#products} products with the Jacobian`,
      remedy:
        'Check that the steady state is isolated (its Jacobian regular); raise restart or maxIterations, or solve with denseLu()',
    });
  }

  *#product(v: Float64Array): Run<Float64Array> {
    const { operator } = this.#attrs;
    const [{ shape, dtype }] = operator.inputs;
    const host = hostArray(dtype as DType, v.length);
    host.set(v);
    const at = new DeviceBuffer(this.#backend, this.#backend.upload(host, shape, dtype as DType));
    let result: Slot | undefined;
    this.#products++;
    try {
      [result] = yield* runGraph(operator, [at, ...this.#params], this.#backend);
      return Float64Array.from(yield result as DeviceBuffer);
    } finally {
      result?.release();
      at.release();
    }
  }

  /** Arnoldi's process with modified Gram-Schmidt; Givens rotations keep the triangle and the residual's norm. */
  *#cycle(x: Float64Array, residual: Float64Array, size: number, target: number): Run<void> {
    const basis = [residual.map((each) => each / size)];
    const triangle: number[][] = [];
    const rotations: [number, number][] = [];
    const side = [size];
    const length = Math.min(this.#attrs.restart, x.length);
    while (triangle.length < length && this.#products < this.#attrs.maxIterations) {
      const w = yield* this.#product(basis[triangle.length]);
      const column = basis.map((each) => {
        const along = dot(w, each);
        addTo(w, -along, each);
        return along;
      });
      const below = norm(w);
      rotations.forEach(([c, s], i) => {
        const [a, b] = [column[i], column[i + 1]];
        [column[i], column[i + 1]] = [c * a + s * b, c * b - s * a];
      });
      const last = column.length - 1;
      const radius = Math.hypot(column[last], below);
      const [c, s] = radius === 0 ? [1, 0] : [column[last] / radius, below / radius];
      column[last] = radius;
      rotations.push([c, s]);
      triangle.push(column);
      side.push(-s * side[last]);
      side[last] *= c;
      // Nothing new in the space: the residual is as small as it gets.
      if (below === 0 || Math.abs(side[last + 1]) <= target) break;
      basis.push(w.map((each) => each / below));
    }
    backSubstitute(triangle, side).forEach((weight, i) => {
      addTo(x, weight, basis[i]);
    });
  }
}

/** The weights of the basis, from the triangle, column by column. */
function backSubstitute(triangle: readonly number[][], side: readonly number[]): number[] {
  const weights = new Array<number>(triangle.length).fill(0);
  for (let i = triangle.length - 1; i >= 0; i--) {
    let sum = side[i];
    for (let j = i + 1; j < triangle.length; j++) sum -= triangle[j][i] * weights[j];
    weights[i] = sum / triangle[i][i];
  }
  return weights;
}

const operatorSolvePrimitive: Primitive<OperatorSolveAttrs> = {
  name: 'operatorSolve',
  infer: ([{ shape, dtype }]) => [{ shape, dtype }],
  *run([b, ...params], attrs, backend): Run<Slot[]> {
    const side = Float64Array.from(yield b as DeviceBuffer);
    const x = yield* new Gmres(attrs, params, backend).solve(side);
    const [{ shape, dtype }] = attrs.operator.inputs;
    const host = hostArray(dtype as DType, x.length);
    host.set(x);
    return [new DeviceBuffer(backend, backend.upload(host, shape, dtype as DType))];
  },
  get derivative() {
    return rule;
  },
};

/** Inputs: w, the parameters. Output: Aᵀ w. */
function transposeOf(operator: Graph): Graph {
  const recording = record(operator.inputs, (w, ...params) => {
    const inputs = [zerosLike(w), ...params];
    const { pullback } = pullBack(
      operator,
      inputs,
      inputs.map((_, i) => i === 0),
    );
    return pullback([w])[0] ?? zerosLike(w);
  });
  return clean(recording.graph);
}

const rule: DerivativeRule<OperatorSolveAttrs> = {
  jvp(inputs, [bTangent, ...moving], attrs) {
    const params = inputs.slice(1);
    const [x] = apply(operatorSolvePrimitive, inputs, attrs);
    const { tangents } = pushForward(attrs.operator, [x, ...params], [null, ...moving]);
    const side = sumOf([bTangent, tangents[0]?.neg() ?? null]);
    const along = side && apply(operatorSolvePrimitive, [side, ...params], attrs)[0];
    return { outputs: [x], tangents: [along] };
  },
  vjp(inputs, attrs, needs) {
    const params = inputs.slice(1);
    const [x] = apply(operatorSolvePrimitive, inputs, attrs);
    return {
      outputs: [x],
      pullback([cotangent]) {
        if (cotangent === null) return inputs.map(() => null);
        const transposed = { ...attrs, operator: transposeOf(attrs.operator) };
        const [lambda] = apply(operatorSolvePrimitive, [cotangent, ...params], transposed);
        const wanted = [false, ...needs.slice(1)];
        const { pullback } = pullBack(attrs.operator, [x, ...params], wanted);
        const pulled = pullback([lambda.neg()]).slice(1);
        return [needs[0] ? lambda : null, ...pulled];
      },
    };
  },
};

/** x with A x = b; see the head of this file. */
export function operatorSolve(
  operator: Graph,
  params: readonly Tensor[],
  b: Tensor,
  control: GmresControl,
): Tensor {
  return apply(operatorSolvePrimitive, [b, ...params], { ...control, operator })[0];
}
