/**
 * `newtonSolve`: z with g(z, p) = 0, as one node of the graph, by Newton's iteration: simplified, with one matrix near ∂g/∂z
 * for all iterates (Hairer, Wanner II, section IV.8), or inexact, with GMRES. The function is evaluated on the device; the
 * iterate, the matrix and its factorisation live on the host, in float64.
 *
 * The derivative is that of the implicit function, ż = −(∂g/∂z)⁻¹ ∂g/∂p ṗ, with the exact ∂g/∂z at the root: whatever
 * matrix the iteration used has no part in it. It is made of linear solves and derivatives of g, so it nests.
 */
import {
  apply,
  type Backend,
  type DeviceBuffer,
  type DerivativeRule,
  type Graph,
  inline,
  onesLike,
  primitives as p,
  type Primitive,
  type Run,
  releaseAll,
  runGraph,
  runKernel,
  type Slot,
  type Spec,
  type Tensor,
} from '@neuralode/tensor';
import type { NewtonControl } from './convergence.ts';
import type { Gmres } from './gmres.ts';
import { jacobianOf } from './jacobian.ts';
import { krylovSolve, mapsOf, tightTolerance, uploadVector } from './krylov-solve.ts';
import { linearSolve } from './linear-solve.ts';
import {
  DenseLinearisation,
  type DenseSystem,
  KrylovLinearisation,
  type KrylovSystem,
  type Linearisation,
} from './linearisation.ts';
import { type NewtonFailure, NewtonWork } from './newton-work.ts';
import { RootError } from './root-error.ts';

export { RootError };

interface NewtonNode {
  /** Inputs: z, the parameters. Output: g. */
  readonly residual: Graph;
  readonly control: NewtonControl;
  /** Whether the start is a root already, and only its derivatives are wanted. */
  readonly found?: boolean;
  /** Evaluations of the field in one of `residual`. */
  readonly evaluations: number;
  /** Where z holds all stages of a step together: their nodes, to start from an extrapolation of the step before. */
  readonly nodes?: readonly number[];
  /** Whether a `NewtonWork` is the last input. Then a failure is noted there, and the root is NaN. */
  readonly shared: boolean;
}

/** With dense matrices. */
interface DenseNewton extends NewtonNode, DenseSystem {
  /** Inputs: z, the parameters. Output: ∂g/∂z, exactly. By forward mode on `residual` where absent. */
  readonly slope?: Graph;
  readonly krylov?: undefined;
}

/** With GMRES, and products of ∂g/∂z. */
interface KrylovNewton extends NewtonNode {
  readonly krylov: Gmres;
}

/**
 * Inputs of the node: where to start [n], the scale of each unknown [n], the parameters, and a `NewtonWork` where `shared`.
 * Outputs: the root [n], and, of dense systems, the Jacobian that the iteration used, as a constant.
 */
export type NewtonAttrs = DenseNewton | KrylovNewton;

export const newtonSolvePrimitive: Primitive<NewtonAttrs> = {
  name: 'newtonSolve',
  infer: ([start], attrs) => outputSpecs(start, attrs),
  *run(inputs, attrs, backend): Run<Slot[]> {
    if (attrs.shared) {
      const work = inputs.at(-1) as NewtonWork;
      return yield* new Iteration(inputs, attrs, backend, work).run();
    }
    const work = new NewtonWork();
    try {
      return yield* new Iteration(inputs, attrs, backend, work).run();
    } finally {
      work.release();
    }
  },
  get derivative() {
    return rule;
  },
};

function outputSpecs({ shape, dtype }: Spec, attrs: NewtonAttrs): Spec[] {
  const root = { shape, dtype };
  if (attrs.krylov !== undefined) return [root];
  const [jacobian] = attrs.jacobian.outputs;
  return [root, { shape: jacobian.shape, dtype: jacobian.dtype }];
}

class Iteration {
  readonly #inputs: readonly Slot[];
  readonly #attrs: NewtonAttrs;
  readonly #params: readonly Slot[];
  readonly #backend: Backend;
  readonly #work: NewtonWork;
  readonly #spec: Spec;
  readonly #linearisation: Linearisation;

  constructor(inputs: readonly Slot[], attrs: NewtonAttrs, backend: Backend, work: NewtonWork) {
    this.#inputs = inputs;
    this.#attrs = attrs;
    this.#params = inputs.slice(2, attrs.residual.inputs.length + 1);
    this.#backend = backend;
    this.#work = work;
    [this.#spec] = attrs.residual.inputs;
    const rest = [this.#params, backend, work, attrs.control] as const;
    this.#linearisation =
      attrs.krylov === undefined
        ? new DenseLinearisation(attrs, ...rest)
        : new KrylovLinearisation(krylovSystem(attrs), ...rest);
  }

  *run(): Run<Slot[]> {
    const work = this.#work;
    // A stage before this one failed: there is no step to save.
    if (work.failure !== undefined) return this.#nothing();
    const [start, scale] = this.#inputs;
    if (this.#attrs.found === true) {
      return [start.retain(), ...this.#unknown(outputSpecs(this.#spec, this.#attrs).slice(1))];
    }
    const { nodes } = this.#attrs;
    const guess = nodes && work.extrapolate(nodes);
    const from = guess ?? Float64Array.from(yield start as DeviceBuffer);
    const units = Float64Array.from(yield scale as DeviceBuffer);
    for (;;) {
      const best = yield* this.#linearisation.prepare();
      const outcome = yield* this.#iterate(from.slice(), units);
      if (outcome instanceof Float64Array) return this.#found(outcome);
      if (best || outcome === 'non-finite') return this.#giveUp(outcome);
      // Perhaps only the Jacobian was out of date.
      work.forget();
    }
  }

  *#iterate(z: Float64Array, units: Float64Array): Run<Float64Array | NewtonFailure> {
    for (let first = true; ; first = false) {
      const g = yield* this.#residualAt(z);
      if (first && !g.every(Number.isFinite)) return 'non-finite';
      const { verdict, increment } = yield* this.#linearisation.advance(z, g, units);
      if (verdict === 'failed') return 'diverged';
      if (increment !== undefined) for (let i = 0; i < z.length; i++) z[i] -= increment[i];
      if (verdict === 'converged') return z;
    }
  }

  *#residualAt(z: Float64Array): Run<Float64Array> {
    const { residual, evaluations } = this.#attrs;
    const at = uploadVector(this.#backend, z, this.#spec);
    let g: Slot | undefined;
    try {
      [g] = yield* runGraph(residual, [at, ...this.#params], this.#backend);
      this.#work.evaluations += evaluations;
      return Float64Array.from(yield g as DeviceBuffer);
    } finally {
      g?.release();
      at.release();
    }
  }

  #found(z: Float64Array): Slot[] {
    const work = this.#work;
    if (this.#attrs.nodes !== undefined) work.keepStages(z);
    const root = uploadVector(this.#backend, z, this.#spec);
    return work.jacobian === undefined ? [root] : [root, work.jacobian.retain()];
  }

  #giveUp(failure: NewtonFailure): Slot[] {
    if (this.#attrs.shared) {
      this.#work.failure = failure;
      return this.#nothing();
    }
    throw new RootError({
      what:
        failure === 'diverged'
          ? "newtonSolve: Newton's iteration did not converge"
          : 'newtonSolve: the function is not finite where the iteration starts',
      remedy: 'Start nearer to the root',
    });
  }

  /** NaN for a root. */
  #nothing(): Slot[] {
    return this.#unknown(outputSpecs(this.#spec, this.#attrs));
  }

  #unknown(specs: readonly Spec[]): Slot[] {
    const slots: Slot[] = [];
    try {
      for (const spec of specs) {
        slots.push(runKernel(this.#backend, p.fill, [], { value: Number.NaN, ...spec }));
      }
      return slots;
    } catch (error) {
      releaseAll(slots);
      throw error;
    }
  }
}

const krylovSystems = new WeakMap<NewtonAttrs, KrylovSystem>();

/** Its graph is recorded at the first solve. */
function krylovSystem(attrs: KrylovNewton): KrylovSystem {
  let system = krylovSystems.get(attrs);
  if (system === undefined) {
    const { product } = mapsOf(attrs.residual);
    system = { product, gmres: attrs.krylov, weight: attrs.evaluations };
    krylovSystems.set(attrs, system);
  }
  return system;
}

/** x with ∂g/∂z x = b (or its transpose) at the root, for a derivative. */
function solveAtRoot(
  z: Tensor,
  params: readonly Tensor[],
  b: Tensor,
  attrs: NewtonAttrs,
  transposed: boolean,
): Tensor {
  if (attrs.krylov === undefined) {
    return linearSolve(slopeAt(z, params, attrs), b, { transposed });
  }
  const maps = mapsOf(attrs.residual);
  const turned = { product: maps.transposed, transposed: maps.product };
  return krylovSolve(
    { b, scale: onesLike(b), q: [z, ...params] },
    {
      ...(transposed ? turned : maps),
      gmres: attrs.krylov,
      tolerance: tightTolerance(b),
      weight: attrs.evaluations,
    },
  );
}

/** ∂g/∂z at the root. */
function slopeAt(z: Tensor, params: readonly Tensor[], { slope, residual }: DenseNewton): Tensor {
  const inputs = [z, ...params];
  return slope === undefined ? jacobianOf(residual, inputs, 0) : inline(slope, inputs)[0];
}

const rule: DerivativeRule<NewtonAttrs> = {
  jvp(inputs, tangents, attrs, modes) {
    const outputs = apply(newtonSolvePrimitive, inputs, attrs);
    const end = attrs.residual.inputs.length + 1;
    const params = inputs.slice(2, end);
    const moving = [null, ...tangents.slice(2, end)];
    const [moved] = modes.pushForward(attrs.residual, [outputs[0], ...params], moving).tangents;
    const root = moved === null ? null : solveAtRoot(outputs[0], params, moved.neg(), attrs, false);
    return { outputs, tangents: [root, ...outputs.slice(1).map(() => null)] };
  },
  vjp(inputs, attrs, needs, modes) {
    const outputs = apply(newtonSolvePrimitive, inputs, attrs);
    const end = attrs.residual.inputs.length + 1;
    const params = inputs.slice(2, end);
    return {
      outputs,
      pullback([cotangent]) {
        if (cotangent === null) return inputs.map(() => null);
        const lambda = solveAtRoot(outputs[0], params, cotangent.neg(), attrs, true);
        const wanted = [false, ...needs.slice(2, end)];
        const pulled = modes.pullBack(attrs.residual, [outputs[0], ...params], wanted);
        const [, ...cotangents] = pulled.pullback([lambda]);
        return [null, null, ...cotangents, ...(attrs.shared ? [null] : [])];
      },
    };
  },
};
