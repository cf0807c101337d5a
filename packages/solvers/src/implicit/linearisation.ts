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
import { scaledNorm } from './convergence.ts';
import { type Gmres, solveGmres } from './gmres.ts';
import { linearMap, uploadVector } from './krylov-solve.ts';
import { factorise, type Lu, solveLu } from './lu.ts';
import type { NewtonWork } from './newton-work.ts';

export interface Linearisation {
  /** Before the first iterate. Whether the matrix is then the best there is: or the iteration may be tried once more. */
  prepare(): Run<boolean>;
  /** About M⁻¹ g at the iterate z; undefined where g itself is small enough to stop. */
  increment(z: Float64Array, g: Float64Array, units: Float64Array): Run<Float64Array | undefined>;
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

  constructor(system: DenseSystem, params: readonly Slot[], backend: Backend, work: NewtonWork) {
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
    return work.fresh;
  }

  // biome-ignore lint/correctness/useYield: solved on the host, without a device to wait for
  *increment(_: Float64Array, g: Float64Array): Run<Float64Array> {
    return solveLu(this.#work.lu as Lu, g);
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
 */
export class KrylovLinearisation implements Linearisation {
  readonly #system: KrylovSystem;
  readonly #params: readonly Slot[];
  readonly #backend: Backend;
  readonly #work: NewtonWork;
  /** How small g is to be, in units of the scale. */
  readonly #tolerance: number;
  #previous: { readonly norm: number; readonly part: number } | undefined;

  constructor(
    system: KrylovSystem,
    params: readonly Slot[],
    backend: Backend,
    work: NewtonWork,
    tolerance: number,
  ) {
    this.#system = system;
    this.#params = params;
    this.#backend = backend;
    this.#work = work;
    this.#tolerance = tolerance;
  }

  // biome-ignore lint/correctness/useYield: products need no preparation
  *prepare(): Run<boolean> {
    this.#previous = undefined;
    return true;
  }

  *increment(z: Float64Array, g: Float64Array, units: Float64Array): Run<Float64Array | undefined> {
    const norm = scaledNorm(g, units);
    // Of a dissipative field M⁻¹ does not amplify: g bounds what is left.
    if (norm <= this.#tolerance) return undefined;
    const part = this.#forcingTerm(norm);
    this.#previous = { norm, part };
    const { product, gmres, weight } = this.#system;
    const spec = product.inputs[0];
    const at = uploadVector(this.#backend, z, spec);
    try {
      const rest = [at, ...this.#params];
      const map = linearMap(product, rest, this.#backend, () => this.#work.multiplied(weight));
      return (yield* solveGmres(map, g, units, gmres, part * norm)).x;
    } finally {
      at.release();
    }
  }

  #forcingTerm(norm: number): number {
    const enough = (0.5 * this.#tolerance) / norm;
    if (this.#previous === undefined) return Math.max(loosest, enough);
    const { norm: before, part: last } = this.#previous;
    const quadratic = 0.9 * (norm / before) ** 2;
    const guarded = 0.9 * last ** 2 > 0.1 ? Math.max(quadratic, 0.9 * last ** 2) : quadratic;
    return Math.max(Math.min(guarded, loosest), enough);
  }
}
