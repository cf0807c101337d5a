/**
 * `linearSolve`: x with A x = b, as one node of the graph. The system is read, solved in float64 on the host, and
 * written back; so it serves systems of up to some hundreds of unknowns, which is what implicit steps have.
 *
 * A solve is differentiated by solves with the same matrix: A ẋ = ḃ − Ȧ x; and backwards Aᵀ λ = x̄, b̄ = λ, Ā = −λ xᵀ
 * (Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation", 2.3.1).
 */
import {
  apply,
  DeviceBuffer,
  type DerivativeRule,
  deviceFunction,
  type DType,
  hostArray,
  type HostArray,
  type Pending,
  type Primitive,
  type Run,
  ShapeError,
  showShape,
  type Slot,
  type Tensor,
} from '@neuralode/tensor';
import { factorise, type Lu, solveLu, solveLuTransposed } from './lu.ts';

interface LinearSolveAttrs {
  /** Size of the system, and how many right-hand sides it has. */
  readonly size: number;
  readonly columns: number;
  readonly dtype: DType;
  /** Solve with Aᵀ instead of A. */
  readonly transposed: boolean;
}

/**
 * Factorisations by the buffer that holds the matrix, while that lives: several solves with one matrix (the stages of a
 * step, a derivative and its solution) factorise once.
 */
const factorised = new WeakMap<Slot, Lu>();

export function* luOf(slot: Slot, size: number): Run<Lu> {
  let lu = factorised.get(slot);
  if (lu === undefined) {
    lu = factorise(yield slot as DeviceBuffer, size);
    factorised.set(slot, lu);
  }
  return lu;
}

/** The columns of x with A X = B (or Aᵀ X = B), both row by row. */
function solveColumns(lu: Lu, b: HostArray, { columns, dtype, transposed }: LinearSolveAttrs) {
  const x = hostArray(dtype, b.length);
  const solve = transposed ? solveLuTransposed : solveLu;
  for (let column = 0; column < columns; column++) {
    const side = Float64Array.from({ length: lu.size }, (_, i) => b[i * columns + column]);
    solve(lu, side).forEach((value, i) => {
      x[i * columns + column] = value;
    });
  }
  return x;
}

/** Inputs: A [n, n], B [n, m]. Output: X [n, m]. */
const linearSolvePrimitive: Primitive<LinearSolveAttrs> = {
  name: 'linearSolve',
  infer: ([, b]) => [{ shape: b.shape, dtype: b.dtype }],
  *run([a, b], attrs, backend): Run<Slot[]> {
    const lu = yield* luOf(a, attrs.size);
    const x = solveColumns(lu, yield b as DeviceBuffer, attrs);
    const handle = backend.upload(x, [attrs.size, attrs.columns], attrs.dtype);
    return [new DeviceBuffer(backend, handle)];
  },
  get derivative() {
    return rule;
  },
};

function solveWith(a: Tensor, b: Tensor, attrs: LinearSolveAttrs): Tensor {
  return apply(linearSolvePrimitive, [a, b], { ...attrs, columns: b.shape[1] })[0];
}

const flipped = (x: Tensor): Tensor => x.transpose([1, 0]);

const rule: DerivativeRule<LinearSolveAttrs> = {
  jvp([a, b], [aTangent, bTangent], attrs) {
    const x = solveWith(a, b, attrs);
    let side = bTangent;
    if (aTangent !== null) {
      const moved = (attrs.transposed ? flipped(aTangent) : aTangent).matMul(x);
      side = side === null ? moved.neg() : side.sub(moved);
    }
    return { outputs: [x], tangents: [side && solveWith(a, side, attrs)] };
  },
  vjp([a, b], attrs, needs) {
    const x = solveWith(a, b, attrs);
    return {
      outputs: [x],
      pullback([cotangent]) {
        if (cotangent === null) return [null, null];
        const lambda = solveWith(a, cotangent, { ...attrs, transposed: !attrs.transposed });
        const [left, right] = attrs.transposed ? [x, lambda] : [lambda, x];
        return [needs[0] ? left.matMul(flipped(right)).neg() : null, needs[1] ? lambda : null];
      },
    };
  },
};

function requireSystem(a: Tensor, b: Tensor): void {
  const square = a.rank === 2 && a.shape[0] === a.shape[1];
  const fits = (b.rank === 1 || b.rank === 2) && b.shape[0] === a.shape[0];
  if (square && fits && a.dtype === b.dtype) return;
  throw new ShapeError({
    what: 'linearSolve: the matrix must be [n, n], the right-hand side [n] or [n, m] of the same dtype',
    got: `${a.dtype}${showShape(a.shape)} and ${b.dtype}${showShape(b.shape)}`,
  });
}

function recordSolve(
  a: Tensor,
  b: Tensor,
  options: { readonly transposed?: boolean } = {},
): Tensor {
  requireSystem(a, b);
  const size = a.shape[0];
  const attrs = {
    size,
    columns: 1,
    dtype: b.dtype,
    transposed: options.transposed ?? false,
  } satisfies LinearSolveAttrs;
  if (b.rank === 2) return solveWith(a, b, attrs);
  return solveWith(a, b.reshape([size, 1]), attrs).reshape([size]);
}

/**
 * Solves A x = b for a dense square A [n, n] and b [n] or [n, m]; Aᵀ x = b with `{ transposed: true }`. Differentiable
 * to any order in both. The solution of a singular system is NaN.
 */
export const linearSolve = deviceFunction(recordSolve) as unknown as {
  (a: Tensor, b: Tensor, options?: { readonly transposed?: boolean }): Pending<Tensor>;
  sync(a: Tensor, b: Tensor, options?: { readonly transposed?: boolean }): Tensor;
};
