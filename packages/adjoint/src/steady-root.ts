/**
 * `steadyRoot`: a state found to be steady, as the implicit function of the field's args: f(t, y(args), args) = 0. So
 * dy = −(∂f/∂y)⁻¹ ∂f/∂args · dargs (the implicit function theorem; Blondel et al. 2022, "Efficient and modular implicit
 * differentiation", https://arxiv.org/abs/2105.15183). How the state was found has no part in that.
 *
 * Values pass through unchanged. Jacobians and further derivatives are taken at the node's own output, so it nests.
 */
import { clean, pullBack, pushForward, spread } from '@neuralode/autodiff';
import {
  apply,
  concat,
  type DerivativeRule,
  type DeviceBuffer,
  type Graph,
  inline,
  NeuralodeError,
  onesLike,
  type Primitive,
  type Run,
  record,
  runGraph,
  type Slot,
  type Spec,
  sizeOf,
  type Tensor,
  zerosLike,
} from '@neuralode/tensor';
import {
  type Gmres,
  jacobianOf,
  krylovSolve,
  linearSolve,
  tightTolerance,
} from '@neuralode/solvers';

/** The state that a gradient was to be taken of does not stand still. */
export class NotSteadyError extends NeuralodeError {}

/** Inputs of the node: t, the leaves of the state, args. Outputs: the leaves. */
export interface SteadyRootAttrs {
  /** The field. Inputs: t, the leaves of the state, args. Outputs: their derivatives. */
  readonly body: Graph;
  readonly leaves: number;
  /** What |f| may be at most, by the leaf's element: atol + rtol |y|, in units of the state per unit of time. */
  readonly rtol: number;
  readonly atol: number;
  /** Dense where absent. */
  readonly linearSolver?: Gmres;
  /** In whose name it is refused, and what then helps. */
  readonly who: string;
  readonly remedy: string;
}

const stateOf = ({ body, leaves }: SteadyRootAttrs): readonly Spec[] =>
  body.inputs.slice(1, 1 + leaves);

const pack = (leaves: readonly Tensor[]): Tensor =>
  concat(leaves.map((leaf) => leaf.reshape([sizeOf(leaf.shape)])));

function unpack(vector: Tensor, specs: readonly Spec[]): Tensor[] {
  let from = 0;
  return specs.map(({ shape }) => {
    from += sizeOf(shape);
    return vector.slice([from - sizeOf(shape)], [sizeOf(shape)]).reshape(shape);
  });
}

/** Inputs: those of the field. Output: the largest |f|/(atol + rtol |y|). */
function unrest({ body, rtol, atol }: SteadyRootAttrs): Graph {
  const recording = record(body.inputs, (...inputs) =>
    inline(body, inputs)
      .map((rate, l) =>
        rate
          .abs()
          .div(inputs[1 + l].abs().mul(rtol).add(atol))
          .max(),
      )
      .reduce((a, b) => a.maximum(b)),
  );
  return clean(recording.graph);
}

/** Inputs: v, those of the field. Output: (∂f/∂y) v, or its transpose's product. */
function jacobianProduct(attrs: SteadyRootAttrs, transposed: boolean): Graph {
  const { body } = attrs;
  const state = stateOf(attrs);
  const size = state.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const vector = { shape: [size], dtype: body.inputs[0].dtype };
  const inState = body.inputs.map((_, i) => i > 0 && i <= attrs.leaves);
  const recording = record([vector, ...body.inputs], (v, ...inputs) => {
    const parts = unpack(v, state);
    const products = transposed
      ? pullBack(body, inputs, inState)
          .pullback(parts)
          .slice(1, 1 + attrs.leaves)
      : pushForward(body, inputs, spread(inState, parts)).tangents;
    return pack(products.map((each, l) => each ?? zerosLike(parts[l])));
  });
  return clean(recording.graph);
}

const known = new WeakMap<SteadyRootAttrs, Graph>();

const steadyRootPrimitive: Primitive<SteadyRootAttrs> = {
  name: 'steadyRoot',
  infer: (_, attrs) => stateOf(attrs).map(({ shape, dtype }) => ({ shape, dtype })),
  *run(inputs, attrs, backend): Run<Slot[]> {
    const graph = known.get(attrs) ?? unrest(attrs);
    known.set(attrs, graph);
    const [probe] = yield* runGraph(graph, inputs, backend);
    try {
      const [size] = yield probe as DeviceBuffer;
      if (size <= 1) return inputs.slice(1, 1 + attrs.leaves).map((slot) => slot.retain());
      const [time] = yield inputs[0] as DeviceBuffer;
      throw new NotSteadyError({
        what: `${attrs.who}: the state is not steady at t = ${time}: the field is there up to ${size.toExponential(1)} times atol + rtol |y|`,
        expected: `at most 1, with rtol ${attrs.rtol} and atol ${attrs.atol}`,
        remedy: attrs.remedy,
      });
    } finally {
      probe.release();
    }
  },
  get derivative() {
    return rule;
  },
};

/** Solves (∂f/∂y) x = −b, or with the transpose, at `inputs` of the field. */
function solveJacobian(
  inputs: readonly Tensor[],
  attrs: SteadyRootAttrs,
  b: readonly Tensor[],
  transposed: boolean,
): Tensor[] {
  const product = jacobianProduct(attrs, transposed);
  const side = pack(b).neg();
  const { linearSolver } = attrs;
  if (linearSolver === undefined) {
    // Linear in v: its Jacobian anywhere is the matrix.
    const matrix = jacobianOf(product, [zerosLike(side), ...inputs], 0);
    return unpack(linearSolve(matrix, side), stateOf(attrs));
  }
  const x = krylovSolve(
    { b: side, scale: onesLike(side), q: inputs },
    {
      product,
      transposed: jacobianProduct(attrs, !transposed),
      gmres: linearSolver,
      tolerance: tightTolerance(side),
      weight: 0,
    },
  );
  return unpack(x, stateOf(attrs));
}

const rule: DerivativeRule<SteadyRootAttrs> = {
  jvp(inputs, tangents, attrs) {
    const { body, leaves } = attrs;
    const outputs = apply(steadyRootPrimitive, inputs, attrs);
    const here = [inputs[0], ...outputs, ...inputs.slice(1 + leaves)];
    const moving = [null, ...outputs.map(() => null), ...tangents.slice(1 + leaves)];
    const moved = pushForward(body, here, moving).tangents;
    if (moved.every((each) => each === null)) return { outputs, tangents: moved };
    const sides = moved.map((each, l) => each ?? zerosLike(outputs[l]));
    return { outputs, tangents: solveJacobian(here, attrs, sides, false) };
  },
  vjp(inputs, attrs, needs) {
    const { body, leaves } = attrs;
    const outputs = apply(steadyRootPrimitive, inputs, attrs);
    return {
      outputs,
      pullback(cotangents) {
        const here = [inputs[0], ...outputs, ...inputs.slice(1 + leaves)];
        const sides = cotangents.map((each, l) => each ?? zerosLike(outputs[l]));
        const lambda = solveJacobian(here, attrs, sides, true);
        const wanted = needs.map((need, i) => need && i > leaves);
        return pullBack(body, here, wanted).pullback(lambda);
      },
    };
  },
};

/** The leaves `y`, found to be steady at t, as a function of the field's args. */
export function steadyRoot(
  t: Tensor,
  y: readonly Tensor[],
  args: readonly Tensor[],
  attrs: SteadyRootAttrs,
): Tensor[] {
  return apply(steadyRootPrimitive, [t, ...y, ...args], attrs);
}
