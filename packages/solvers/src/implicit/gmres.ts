/**
 * GMRES: x with A x = b for a matrix that is known only by its products with vectors (Saad, Schultz 1986; Saad, "Iterative
 * Methods for Sparse Linear Systems", 2nd ed., 2003, algorithms 6.9 and 6.11). On the host, in float64, whatever the
 * products are made of. Norms are root mean squares in units of a given scale, so that small unknowns count like large
 * ones.
 */
import { ArgumentError, type Run } from '@neuralode/tensor';
import { requireKnownOptions } from '../option-names.ts';

/** How the linear systems of an implicit method are solved, where not densely. */
export interface Gmres {
  readonly kind: 'gmres';
  readonly restart: number;
  readonly maxProducts: number;
}

export interface GmresOptions {
  /** How many directions are kept before it starts afresh from where it stands: memory for as many states. Default 30. */
  readonly restart?: number;
  /** Products with the Jacobian that one linear system may take. Default 500. */
  readonly maxProducts?: number;
}

function requireCount(name: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new ArgumentError({
    what: `gmres: ${name} must be a positive integer`,
    got: String(value),
    remedy: 'Leave it out for the default',
  });
}

/**
 * Solves the linear systems of an implicit method by GMRES with Jacobian-vector products, for large states: no Jacobian is
 * formed, and none factorised. `radau5({ linearSolver: gmres() })`
 *
 * @throws ArgumentError for a count that is not a positive integer
 */
export function gmres(options: GmresOptions = {}): Gmres {
  requireKnownOptions(options, ['restart', 'maxProducts'], 'gmres');
  const { restart = 30, maxProducts = 500 } = options;
  requireCount('restart', restart);
  requireCount('maxProducts', maxProducts);
  return { kind: 'gmres', restart, maxProducts };
}

export type LinearMap = (vector: Float64Array) => Run<Float64Array>;

export interface KrylovSolution {
  readonly x: Float64Array;
  /** Norm of b − A x. */
  readonly residual: number;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** y ← y + factor · x. */
function accumulate(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] += factor * x[i];
}

/** One cycle: the Arnoldi basis, and the least-squares problem kept triangular by Givens rotations. */
class Cycle {
  readonly #basis: Float64Array[];
  /** Columns of the triangular factor. */
  readonly #columns: number[][] = [];
  readonly #rotations: [number, number][] = [];
  readonly #side: number[];
  /** Whether A leads to no new direction. */
  exhausted = false;

  constructor(residual: Float64Array, norm: number) {
    this.#basis = [residual.map((each) => each / norm)];
    this.#side = [norm];
  }

  get newest(): Float64Array {
    return this.#basis[this.#basis.length - 1];
  }

  /** 2-norm of the residual that the best combination so far leaves. */
  get remainder(): number {
    return Math.abs(this.#side[this.#side.length - 1]);
  }

  get length(): number {
    return this.#columns.length;
  }

  /** Takes in A times the newest direction, which it overwrites. */
  extend(image: Float64Array): void {
    const noise = 8 * Number.EPSILON * Math.sqrt(dot(image, image));
    // By modified Gram-Schmidt.
    const column = this.#basis.map((direction) => {
      const share = dot(direction, image);
      accumulate(image, -share, direction);
      return share;
    });
    const beyond = Math.sqrt(dot(image, image));
    const rest = beyond <= noise ? 0 : beyond;
    this.#rotations.forEach(([c, s], i) => {
      [column[i], column[i + 1]] = [
        c * column[i] + s * column[i + 1],
        c * column[i + 1] - s * column[i],
      ];
    });
    const last = column.length - 1;
    const whole = Math.hypot(column[last], rest);
    const length = whole <= noise ? 0 : whole;
    // Of a direction that A makes nothing of, nothing is gained: the remainder stays.
    const [c, s] = length === 0 ? [0, 1] : [column[last] / length, rest / length];
    column[last] = length;
    this.#rotations.push([c, s]);
    this.#columns.push(column);
    const side = this.#side[last];
    this.#side[last] = c * side;
    this.#side.push(-s * side);
    this.exhausted = rest === 0;
    this.#basis.push(image.map((each) => (rest === 0 ? 0 : each / rest)));
  }

  /** x ← x + the best combination of the directions. */
  addTo(x: Float64Array): void {
    const weights = this.#side.slice(0, this.length);
    for (let i = this.length - 1; i >= 0; i--) {
      for (let j = i + 1; j < this.length; j++) weights[i] -= this.#columns[j][i] * weights[j];
      weights[i] = this.#columns[i][i] === 0 ? 0 : weights[i] / this.#columns[i][i];
    }
    for (const [i, weight] of weights.entries()) accumulate(x, weight, this.#basis[i]);
  }
}

/**
 * From x = 0 until the residual is at most `target`, or nothing is gained any more, or no product is left.
 *
 * @param scale of each unknown, positive
 * @param target norm of the residual, in units of the scale
 */
export function* solveGmres(
  product: LinearMap,
  b: Float64Array,
  scale: Float64Array,
  { restart, maxProducts }: Gmres,
  target: number,
): Run<KrylovSolution> {
  const count = Math.sqrt(Math.max(1, b.length));
  const scaled = (v: Float64Array): Float64Array => v.map((each, i) => each / scale[i]);
  const unscaled = (v: Float64Array): Float64Array => v.map((each, i) => each * scale[i]);
  const side = scaled(b);
  const x = new Float64Array(b.length);
  let residual = side;
  let norm = Math.sqrt(dot(side, side));
  let left = maxProducts;
  while (norm / count > target && left > 0) {
    const cycle = new Cycle(residual, norm);
    const wanting = (): boolean => !cycle.exhausted && cycle.remainder / count > target;
    while (cycle.length < restart && left > 0 && wanting()) {
      cycle.extend(scaled(yield* product(unscaled(cycle.newest))));
      left--;
    }
    cycle.addTo(x);
    if (!(cycle.remainder / count > target) || left === 0) {
      norm = cycle.remainder;
      break;
    }
    const image = scaled(yield* product(unscaled(x)));
    left--;
    residual = side.map((each, i) => each - image[i]);
    const before = norm;
    norm = Math.sqrt(dot(residual, residual));
    if (!(norm < 0.99 * before)) break;
  }
  return { x: unscaled(x), residual: norm / count };
}
