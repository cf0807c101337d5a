/**
 * The linear systems of a Newton iteration, in two ways: by one dense matrix near ∂g/∂z, factorised and kept from solve to
 * solve; or by GMRES with ∂g/∂z where the iterate stands, known only by its products.
 */
import {
  type Backend,
  type DeviceBuffer,
  type Graph,
  type Run,
  runGraph,
  type Slot,
} from '@neuralode/tensor';
import { Convergence, type NewtonControl, scaledNorm, type Verdict } from './convergence.ts';
import { type Gmres, solveGmres } from './gmres.ts';
import { linearMap, uploadVector } from './krylov-solve.ts';
import { factorise, type Lu, solveLu } from './lu.ts';
import type { NewtonWork } from './newton-work.ts';

export interface Linearisation {
  /** Before the first iterate. Whether the matrix is then the best there is: or the iteration may be tried once more. */
  prepare(): Run<boolean>;
  /** From the iterate z, where the function is g. */
  advance(z: Float64Array, g: Float64Array, units: Float64Array): Run<Advance>;
}

/** What to subtract from an iterate, and whether the result is a root. */
export interface Advance {
  readonly verdict: Verdict;
  /** Absent where the iterate is to stay as it is. */
  readonly increment?: Float64Array;
}

/** What a Newton node says of its dense systems. */
export interface DenseSystem {
  /** Inputs: the parameters. Output: a Jacobian from which `matrix` makes its matrix. Kept from solve to solve. */
  readonly jacobian: Graph;
  /** Inputs: that Jacobian, the parameters. Output: a matrix near ∂g/∂z. */
  readonly matrix: Graph;
}

export class DenseLinearisation implements Linearisation {
  readonly #system: DenseSystem;
  readonly #params: readonly Slot[];
  readonly #backend: Backend;
  readonly #work: NewtonWork;
  readonly #control: NewtonControl;
  #convergence: Convergence;

  constructor(
    system: DenseSystem,
    params: readonly Slot[],
    backend: Backend,
    work: NewtonWork,
    control: NewtonControl,
  ) {
    this.#control = control;
    this.#convergence = new Convergence(control);
    this.#system = system;
    this.#params = params;
    this.#backend = backend;
    this.#work = work;
  }

  *prepare(): Run<boolean> {
    const work = this.#work;
    const { jacobian, matrix } = this.#system;
    if (work.jacobian === undefined) {
      const [slot] = yield* runGraph(jacobian, this.#params, this.#backend);
      work.keepJacobian(slot);
    }
    if (work.lu === undefined) {
      const operands = [work.jacobian as Slot, ...this.#params];
      const [slot] = yield* runGraph(matrix, operands, this.#backend);
      try {
        work.keepLu(factorise(yield slot as DeviceBuffer, matrix.outputs[0].shape[0]));
      } finally {
        slot.release();
      }
    }
    this.#convergence = new Convergence(this.#control, work.remainder);
    return work.fresh;
  }

  // biome-ignore lint/correctness/useYield: solved on the host, without a device to wait for
  *advance(_: Float64Array, g: Float64Array, units: Float64Array): Run<Advance> {
    const work = this.#work;
    const increment = solveLu(work.lu as Lu, g);
    const convergence = this.#convergence;
    const verdict = convergence.judge(scaledNorm(increment, units));
    const { rate, remainder, count } = convergence;
    if (verdict === 'converged') work.converged(rate, remainder, count);
    return { verdict, increment };
  }
}

/** What a Newton node says of its systems where they are solved by GMRES. */
export interface KrylovSystem {
  /** Inputs: v, z, the parameters. Output: ∂g/∂z v. */
  readonly product: Graph;
  readonly gmres: Gmres;
  /** Jacobian-vector products of the field in one of `product`. */
  readonly weight: number;
}

/**
 * The first system is solved to this part of its right-hand side, and none less exactly: steps start near their root, where
 * the larger parts that are usual elsewhere would only spend iterations.
 */
const loosest = 0.1;

/**
 * Inexact Newton: each system is solved as exactly as the iteration can make use of, by the second choice of Eisenstat and
 * Walker ("Choosing the forcing terms in an inexact Newton method", SIAM J. Sci. Comput. 17, 1996), with the limit of
 * Kelley ("Iterative Methods for Linear and Nonlinear Equations", 1995, formula 6.20) that no system is solved beyond what
 * is asked of the root.
 *
 * It ends where g is small. Small increments would not do: a system that is not solved exactly is solved for its stiff
 * unknowns first, whose share of g is by far the largest, and of the error the smallest.
 */
export class KrylovLinearisation implements Linearisation {
  readonly #system: KrylovSystem;
  readonly #params: readonly Slot[];
  readonly #backend: Backend;
  readonly #work: NewtonWork;
  readonly #control: NewtonControl;
  /** Sizes of g, newest last. */
  #norms: number[] = [];
  #part = loosest;
  /** Sizes of the first and of the latest increment. */
  #first = 0;
  #latest = Number.POSITIVE_INFINITY;

  constructor(
    system: KrylovSystem,
    params: readonly Slot[],
    backend: Backend,
    work: NewtonWork,
    control: NewtonControl,
  ) {
    this.#system = system;
    this.#params = params;
    this.#backend = backend;
    this.#work = work;
    this.#control = control;
  }

  // biome-ignore lint/correctness/useYield: products need no preparation
  *prepare(): Run<boolean> {
    this.#norms = [];
    return true;
  }

  *advance(z: Float64Array, g: Float64Array, units: Float64Array): Run<Advance> {
    const norm = scaledNorm(g, units);
    this.#norms.push(norm);
    const verdict = this.#judge(norm);
    if (verdict === 'converged') this.#work.converged(0, 1, this.#norms.length);
    if (verdict !== 'continue') return { verdict };
    this.#part = this.#forcingTerm(norm);
    const increment = yield* this.#solve(z, g, units, this.#part * norm);
    this.#latest = scaledNorm(increment, units);
    if (this.#norms.length === 1) this.#first = this.#latest;
    return { verdict, increment };
  }

  get #tolerance(): number {
    const { tolerance, rounding } = this.#control;
    return rounding === undefined ? tolerance : tolerance * Math.max(1, this.#norms[0]);
  }

  #judge(norm: number): Verdict {
    const { tolerance, rounding, maxIterations } = this.#control;
    if (!Number.isFinite(norm)) return 'failed';
    if (norm <= this.#tolerance) return 'converged';
    const previous = this.#norms.at(-2) ?? Number.POSITIVE_INFINITY;
    // Where rounding hides what is left of g, the increment says how near the root is.
    const near =
      rounding === undefined ? tolerance : rounding ** (2 / 3) * Math.max(1, this.#first);
    if (norm > 0.5 * previous && this.#latest <= near) return 'converged';
    return norm > previous || this.#norms.length > maxIterations ? 'failed' : 'continue';
  }

  *#solve(
    z: Float64Array,
    g: Float64Array,
    units: Float64Array,
    target: number,
  ): Run<Float64Array> {
    const { product, gmres, weight } = this.#system;
    const at = uploadVector(this.#backend, z, product.inputs[0]);
    try {
      const rest = [at, ...this.#params];
      const map = linearMap(product, rest, this.#backend, () => this.#work.multiplied(weight));
      return (yield* solveGmres(map, g, units, gmres, target)).x;
    } finally {
      at.release();
    }
  }

  #forcingTerm(norm: number): number {
    const enough = (0.5 * this.#tolerance) / norm;
    const previous = this.#norms.at(-2);
    if (previous === undefined) return Math.max(loosest, enough);
    const quadratic = 0.9 * (norm / previous) ** 2;
    return Math.max(Math.min(quadratic, loosest), enough);
  }
}
