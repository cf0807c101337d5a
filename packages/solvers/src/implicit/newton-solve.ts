/**
 * `newtonSolve`: z with g(z, p) = 0, as one node of the graph, by Newton's simplified iteration: one matrix near ∂g/∂z
 * for all iterates (Hairer, Wanner II, section IV.8). The function is evaluated on the device; the iterate, the matrix
 * and its factorisation live on the host, in float64.
 *
 * The derivative is that of the implicit function, ż = −(∂g/∂z)⁻¹ ∂g/∂p ṗ, with the exact ∂g/∂z at the root: whatever
 * matrix the iteration used has no part in it. It is made of `linearSolve` and derivatives of g, so it nests.
 */
import {
  apply,
  type Backend,
  DeviceBuffer,
  type DerivativeRule,
  type DType,
  type Graph,
  hostArray,
  inline,
  NeuralodeError,
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
import { Convergence, type NewtonControl, scaledNorm } from './convergence.ts';
import { jacobianOf } from './jacobian.ts';
import { linearSolve } from './linear-solve.ts';
import { factorise, solveLu } from './lu.ts';
import { type NewtonFailure, NewtonWork } from './newton-work.ts';

/**
 * Inputs of the node: where to start [n], the scale of each unknown [n], the parameters, and a `NewtonWork` where `shared`.
 * Outputs: the root [n], and the Jacobian that the iteration used, as a constant.
 */
export interface NewtonAttrs {
  /** Inputs: z, the parameters. Output: g. */
  readonly residual: Graph;
  /** Inputs: the parameters. Output: a Jacobian from which `matrix` makes its matrix. Kept from solve to solve. */
  readonly jacobian: Graph;
  /** Inputs: that Jacobian, the parameters. Output: a matrix near ∂g/∂z. */
  readonly matrix: Graph;
  /** Inputs: z, the parameters. Output: ∂g/∂z, exactly. By forward mode on `residual` where absent. */
  readonly slope?: Graph;
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

/** Newton's iteration did not find a root. */
export class RootError extends NeuralodeError {}

export const newtonSolvePrimitive: Primitive<NewtonAttrs> = {
  name: 'newtonSolve',
  infer: ([start], { jacobian }) => [
    { shape: start.shape, dtype: start.dtype },
    { shape: jacobian.outputs[0].shape, dtype: jacobian.outputs[0].dtype },
  ],
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

class Iteration {
  readonly #inputs: readonly Slot[];
  readonly #attrs: NewtonAttrs;
  readonly #params: readonly Slot[];
  readonly #backend: Backend;
  readonly #work: NewtonWork;
  readonly #spec: Spec;

  constructor(inputs: readonly Slot[], attrs: NewtonAttrs, backend: Backend, work: NewtonWork) {
    this.#inputs = inputs;
    this.#attrs = attrs;
    this.#params = inputs.slice(2, attrs.residual.inputs.length + 1);
    this.#backend = backend;
    this.#work = work;
    [this.#spec] = attrs.residual.inputs;
  }

  *run(): Run<Slot[]> {
    const work = this.#work;
    // A stage before this one failed: there is no step to save.
    if (work.failure !== undefined) return this.#nothing();
    const [start, scale] = this.#inputs;
    if (this.#attrs.found === true) return [start.retain(), this.#unknown(this.#jacobianSpec)];
    const { nodes } = this.#attrs;
    const guess = nodes && work.extrapolate(nodes);
    const from = guess ?? Float64Array.from(yield start as DeviceBuffer);
    const units = Float64Array.from(yield scale as DeviceBuffer);
    for (;;) {
      yield* this.#prepare();
      const fresh = work.fresh;
      const outcome = yield* this.#iterate(from.slice(), units);
      if (outcome instanceof Float64Array) return this.#found(outcome);
      if (fresh || outcome === 'non-finite') return this.#giveUp(outcome);
      // Perhaps only the Jacobian was out of date.
      work.forget();
    }
  }

  /** Sees to a Jacobian and a factorisation. */
  *#prepare(): Run<void> {
    const work = this.#work;
    const { jacobian, matrix } = this.#attrs;
    if (work.jacobian === undefined) {
      const [slot] = yield* runGraph(jacobian, this.#params, this.#backend);
      work.keepJacobian(slot);
    }
    if (work.lu !== undefined) return;
    const operands = [work.jacobian as Slot, ...this.#params];
    const [slot] = yield* runGraph(matrix, operands, this.#backend);
    try {
      work.keepLu(factorise(yield slot as DeviceBuffer, this.#spec.shape[0]));
    } finally {
      slot.release();
    }
  }

  *#iterate(z: Float64Array, units: Float64Array): Run<Float64Array | NewtonFailure> {
    const work = this.#work;
    const lu = work.lu as NonNullable<typeof work.lu>;
    const convergence = new Convergence(this.#attrs.control, work.remainder);
    for (let first = true; ; first = false) {
      const g = yield* this.#residualAt(z);
      if (first && !g.every(Number.isFinite)) return 'non-finite';
      const increment = solveLu(lu, g);
      const verdict = convergence.judge(scaledNorm(increment, units));
      if (verdict === 'failed') return 'diverged';
      for (let i = 0; i < z.length; i++) z[i] -= increment[i];
      if (verdict === 'converged') {
        work.converged(convergence.rate, convergence.remainder, convergence.count);
        return z;
      }
    }
  }

  *#residualAt(z: Float64Array): Run<Float64Array> {
    const { residual, evaluations } = this.#attrs;
    const at = this.#upload(z);
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

  #upload(values: Float64Array): DeviceBuffer {
    const dtype = this.#spec.dtype as DType;
    const host = hostArray(dtype, values.length);
    host.set(values);
    return new DeviceBuffer(this.#backend, this.#backend.upload(host, this.#spec.shape, dtype));
  }

  #found(z: Float64Array): Slot[] {
    if (this.#attrs.nodes !== undefined) this.#work.keepStages(z);
    return [this.#upload(z), (this.#work.jacobian as Slot).retain()];
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

  get #jacobianSpec(): Spec {
    const [{ shape, dtype }] = this.#attrs.jacobian.outputs;
    return { shape, dtype };
  }

  #unknown(spec: Spec): Slot {
    return runKernel(this.#backend, p.fill, [], { value: Number.NaN, ...spec });
  }

  /** NaN for a root. */
  #nothing(): Slot[] {
    const slots: Slot[] = [];
    try {
      for (const spec of [this.#spec, this.#jacobianSpec]) slots.push(this.#unknown(spec));
      return slots;
    } catch (error) {
      releaseAll(slots);
      throw error;
    }
  }
}

/** ∂g/∂z at the root. */
function slopeAt(z: Tensor, params: readonly Tensor[], { slope, residual }: NewtonAttrs): Tensor {
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
    if (moved === null) return { outputs, tangents: [null, null] };
    const slope = slopeAt(outputs[0], params, attrs);
    return { outputs, tangents: [linearSolve(slope, moved.neg()), null] };
  },
  vjp(inputs, attrs, needs, modes) {
    const outputs = apply(newtonSolvePrimitive, inputs, attrs);
    const end = attrs.residual.inputs.length + 1;
    const params = inputs.slice(2, end);
    return {
      outputs,
      pullback([cotangent]) {
        if (cotangent === null) return inputs.map(() => null);
        const slope = slopeAt(outputs[0], params, attrs);
        const lambda = linearSolve(slope, cotangent.neg(), { transposed: true });
        const wanted = [false, ...needs.slice(2, end)];
        const pulled = modes.pullBack(attrs.residual, [outputs[0], ...params], wanted);
        const [, ...cotangents] = pulled.pullback([lambda]);
        return [null, null, ...cotangents, ...(attrs.shared ? [null] : [])];
      },
    };
  },
};
