/**
 * What `interpolated()` keeps of the forward solve, and the state that it gives at any time: the dense output of the
 * accepted steps, as an operation of the graph (`stateAt`).
 */
import { pushForward, sumOf } from '@neuralode/autodiff';
import type { AcceptedStep, OdeSolveAttrs, Witness } from '@neuralode/solvers';
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
  releaseAll,
  runGraph,
  Slot,
  type Spec,
  type Tensor,
  zerosLike,
} from '@neuralode/tensor';

interface KeptStep {
  /** Its interpolant: see `AcceptedStep`. */
  readonly dense: Graph;
  readonly start: number;
  readonly end: number;
  readonly h: number;
  /** What that combines: the state before it, then its stages. */
  readonly slots: readonly Slot[];
}

/** The steps of one solve, in order: the content of an opaque value. It is filled by the solve, as its witness. */
export class KeptSolve extends Slot implements Witness {
  readonly #steps: KeptStep[] = [];
  /** Indices of the first steps of the stretches between jumps of the state. */
  readonly #stretches: number[] = [];
  readonly #jumps: boolean;
  #times: readonly number[] = [];
  #direction = 1;
  /** What the solve observed; owned. */
  observed: readonly Slot[] = [];

  constructor(attrs: OdeSolveAttrs) {
    super();
    this.#jumps = attrs.jumps.some((jump) => jump !== undefined);
  }

  // biome-ignore lint/correctness/useYield: nothing need be read here
  *begin(times: readonly number[]): Run<void> {
    this.#times = times;
    this.#direction = times[1] > times[0] ? 1 : -1;
  }

  // biome-ignore lint/correctness/useYield: nothing need be read here
  *inspect(): Run<undefined> {
    return undefined;
  }

  *accepted(step: AcceptedStep): Run<void> {
    const { dense, start, end, h, before } = step;
    const stages = yield* step.stages();
    const { length: begun } = this.#stretches;
    const passed = (this.#times[begun] - start) * this.#direction <= 0;
    if (begun === 0 || (this.#jumps && passed)) this.#stretches.push(this.#steps.length);
    const slots = [...before, ...stages].map((slot) => slot.retain());
    this.#steps.push({ dense, start, end, h, slots });
  }

  beginRows(): void {}
  end(): void {}
  failed(): void {}

  /** Times strictly between `from` and `to` at which a step of the solve ended, in the order from `from`. */
  boundaries(from: number, to: number): number[] {
    const ahead = to > from === this.#direction > 0;
    const [first, last] = ahead ? [from, to] : [to, from];
    const inside: number[] = [];
    for (let i = this.#firstEndingAt(first, 0, this.#steps.length); i < this.#steps.length; i++) {
      const { end } = this.#steps[i];
      if ((end - last) * this.#direction >= 0) break;
      if (end !== first) inside.push(end);
    }
    return ahead ? inside : inside.reverse();
  }

  /** Index of the first step in [low, high) that ends at `t` or later, or `high`: by halving, as the ends are in order. */
  #firstEndingAt(t: number, low: number, high: number): number {
    let [from, to] = [low, high];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#steps[middle].end - t) * this.#direction >= 0) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  /**
   * The step that holds `t`; beyond the ends, by a rounding, the first or the last. Where the state jumps at t, `stretch`
   * says on which side.
   */
  stepAt(t: number, stretch = 0): KeptStep {
    const last = (this.#stretches[stretch + 1] ?? this.#steps.length) - 1;
    return this.#steps[this.#firstEndingAt(t, this.#stretches[stretch], last)];
  }

  protected free(): void {
    releaseAll(this.observed);
    releaseAll(this.#steps.splice(0).flatMap(({ slots }) => slots));
  }
}

/** A number of the host on the device. */
export function scalarOf(value: number, { dtype }: Spec, backend: Backend): DeviceBuffer {
  const host = hostArray(dtype as DType, 1);
  host[0] = value;
  return new DeviceBuffer(backend, backend.upload(host, [], dtype as DType));
}

/**
 * Inputs of the node: a `KeptSolve`, t, and the stretch where the state jumps. Outputs: the leaves of the state at t, or
 * derivatives of them by t.
 */
interface StateAtAttrs {
  readonly state: readonly Spec[];
  /** Which derivative. */
  readonly order: number;
}

const stateAtPrimitive: Primitive<StateAtAttrs> = {
  name: 'stateAt',
  infer: (_, { state }) => state.map(({ shape, dtype }) => ({ shape, dtype })),
  *run([kept, t, stretch], { order }, backend): Run<Slot[]> {
    const [time] = yield t as DeviceBuffer;
    const place = stretch === undefined ? 0 : Math.round((yield stretch as DeviceBuffer)[0]);
    const { dense, start, h, slots } = (kept as KeptSolve).stepAt(time, place);
    const graph = derivativeOf(dense, order);
    const numbers = [(time - start) / h, h].map((value) =>
      scalarOf(value, dense.inputs[0], backend),
    );
    try {
      return yield* runGraph(graph, [...numbers, ...slots], backend);
    } finally {
      releaseAll(numbers);
    }
  },
  get derivative() {
    return rule;
  },
};

const slopes = new WeakMap<Graph, Graph>();

/** The interpolant's derivative by t, that is by θ, divided by h; as often as `order` says. */
function derivativeOf(dense: Graph, order: number): Graph {
  if (order === 0) return dense;
  let slope = slopes.get(dense);
  if (slope === undefined) {
    slope = record(dense.inputs, (theta, h, ...slots) => {
      const along = [onesLike(h).div(h), null, ...slots.map(() => null)];
      const { outputs, tangents } = pushForward(dense, [theta, h, ...slots], along);
      return outputs.map((output, i) => tangents[i] ?? zerosLike(output));
    }).graph;
    slopes.set(dense, slope);
  }
  return derivativeOf(slope, order - 1);
}

const ratesOf = (inputs: readonly Tensor[], { state, order }: StateAtAttrs): Tensor[] =>
  apply(stateAtPrimitive, inputs, { state, order: order + 1 });

/** By t alone: the steps are a record of a run, and how the inputs of that run move them is the gradient's own matter. */
const rule: DerivativeRule<StateAtAttrs> = {
  jvp(inputs, [, byTime], attrs) {
    const outputs = apply(stateAtPrimitive, inputs, attrs);
    if (byTime === null) return { outputs, tangents: outputs.map(() => null) };
    const rates = ratesOf(inputs, attrs);
    return { outputs, tangents: rates.map((rate) => rate.mul(byTime)) };
  },
  vjp(inputs, attrs) {
    const outputs = apply(stateAtPrimitive, inputs, attrs);
    return {
      outputs,
      pullback(cotangents) {
        const terms = ratesOf(inputs, attrs).map(
          (rate, i) => cotangents[i]?.mul(rate).sum() ?? null,
        );
        return inputs.map((_, i) => (i === 1 ? sumOf(terms) : null));
      },
    };
  },
};

/** The leaves, of these shapes, of the kept solve's state at time t, a scalar. */
export function stateAt(
  state: readonly Spec[],
  kept: Tensor,
  t: Tensor,
  stretch: Tensor | undefined,
): Tensor[] {
  const inputs = stretch === undefined ? [kept, t] : [kept, t, stretch];
  return apply(stateAtPrimitive, inputs, { state, order: 0 } satisfies StateAtAttrs);
}
