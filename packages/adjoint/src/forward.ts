/**
 * `forward()`: forward sensitivity as a reverse-mode gradient. The derivatives of the state by all K inputs that are asked
 * for travel with the state in one solve, S′ = ∂f/∂y S + ∂f/∂x, by the same steps; so the gradient ∂L/∂x = Σ ȳᵢᵀ Sᵢ is
 * exact for the discrete solution and needs no solve backwards (Hairer, Nørsett, Wanner I, section I.14). Each evaluation
 * of the field costs K products with its Jacobian: for few inputs.
 *
 * The sensitivities are leaves of a state, [K, …], of a solve whose gradient is this one again, so it nests.
 */
import { clean, pushForward, sumOf } from '@neuralode/autodiff';
import {
  fieldAlong,
  type GradientMethod,
  identity,
  type OdeSolveAttrs,
  odeSolve,
  solveInputs,
  timesAreInput,
} from '@neuralode/solvers';
import {
  ArgumentError,
  apply,
  type Graph,
  isDifferentiable,
  record,
  type Spec,
  scan,
  sizeOf,
  type Tensor,
  zeros,
  zerosLike,
} from '@neuralode/tensor';

/** Row k of input i's block is the direction of unknown k in it, [K, …]; undefined for inputs without one. */
type Directions = readonly (Tensor | undefined)[];

/** The unit directions of all elements of the inputs that `wanted` names. */
function unitDirections(inputs: readonly Spec[], wanted: readonly boolean[]): Directions {
  const sizes = inputs.map(({ shape }, i) => (wanted[i] ? sizeOf(shape) : 0));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let before = 0;
  return inputs.map(({ shape, dtype }, i) => {
    if (!wanted[i]) return undefined;
    before += sizes[i];
    const columns = identity(total, { shape, dtype }).slice(
      [0, before - sizes[i]],
      [total, sizes[i]],
    );
    return columns.reshape([total, ...shape]);
  });
}

/** Inputs: t, y, S, args, the blocks of those args that have one. Outputs: f, S′. */
function sensitivityBody(
  { body, leaves }: OdeSolveAttrs,
  blocks: Directions,
  count: number,
): Graph {
  const [time, ...rest] = body.inputs;
  const [state, args] = [rest.slice(0, leaves), rest.slice(leaves)];
  const stacked = state.map(({ shape, dtype }) => ({ shape: [count, ...shape], dtype }));
  const moving = blocks.filter((block) => block !== undefined);
  const recording = record([time, ...state, ...stacked, ...args, ...moving], (t, ...stand) => {
    const take = (size: number): Tensor[] => stand.splice(0, size);
    const [y, s, values] = [take(leaves), take(leaves), take(args.length)];
    const inputs = [t, ...y, ...values];
    const outputs = pushForward(body, inputs, []).outputs;
    const [, along] = scan(
      (carry: object, row: { s: Tensor[]; x: Tensor[] }) => {
        let next = 0;
        const byArgs = blocks.map((block) => (block === undefined ? null : row.x[next++]));
        const { tangents } = pushForward(body, inputs, [null, ...row.s, ...byArgs]);
        return [carry, tangents.map((each, l) => each ?? zerosLike(outputs[l]))] as const;
      },
      {},
      { s, x: stand },
    );
    return [...outputs, ...along];
  });
  return clean(recording.graph);
}

interface Sensitivities {
  readonly outputs: readonly Tensor[];
  /** Of the leaves, [T, K, …]. */
  readonly along: readonly Tensor[];
}

/** One solve of the state and its derivatives along `directions`; moving t₀ is moving y₀ by −f(t₀, y₀). */
function solveAlong(
  inputs: readonly Tensor[],
  attrs: OdeSolveAttrs,
  directions: Directions,
  count: number,
): Sensitivities {
  const { leaves, body } = attrs;
  const { times, y0, args } = solveInputs(inputs, attrs);
  const blocks = solveInputs(directions, attrs);
  const start = y0.map(
    (leaf, l) => blocks.y0[l] ?? zeros([count, ...leaf.shape], { dtype: leaf.dtype }),
  );
  if (times !== undefined && blocks.times !== undefined) {
    const rates = fieldAlong(
      body,
      times.slice([0], [1]),
      y0.map((leaf) => leaf.expandDims(0)),
      args,
    );
    const moved = blocks.times.slice([0, 0], [count, 1]);
    rates.forEach((rate, l) => {
      const weights = moved.cast(rate.dtype).reshape([count, ...y0[l].shape.map(() => 1)]);
      start[l] = start[l].sub(weights.mul(rate));
    });
  }
  const results = apply(
    odeSolve,
    [
      ...(times === undefined ? [] : [times]),
      ...y0,
      ...start,
      ...args,
      ...blocks.args.filter((block) => block !== undefined),
    ],
    {
      ...attrs,
      body: sensitivityBody(attrs, blocks.args, count),
      leaves: 2 * leaves,
      jumps: [...attrs.jumps, ...attrs.jumps],
      // The steps are those of the plain solve.
      steered: [...attrs.steered, ...attrs.steered.map(() => false)],
    } satisfies OdeSolveAttrs,
  );
  return { outputs: results.slice(0, leaves), along: results.slice(leaves) };
}

/** Σ over times and elements of ȳ S: [K]. */
function contract(cotangent: Tensor, along: Tensor): Tensor {
  const [count, unknowns] = along.shape;
  const size = sizeOf(cotangent.shape) / count;
  const rows = along.reshape([count, unknowns, size]).transpose([1, 0, 2]);
  return rows
    .reshape([unknowns, count * size])
    .matMul(cotangent.reshape([count * size, 1]))
    .reshape([unknowns]);
}

/** What moving each time by itself adds, ȳᵢ f(tᵢ, yᵢ): [T]. At t₀ that cancels what moving the start takes away. */
function arrivals(
  inputs: readonly Tensor[],
  attrs: OdeSolveAttrs,
  observed: readonly Tensor[],
  cotangents: readonly (Tensor | null)[],
): Tensor {
  const { times, args } = solveInputs(inputs, attrs);
  const ts = times as Tensor;
  const rates = fieldAlong(attrs.body, ts, observed, args);
  const sums = rates.map((rate, l) => {
    const cotangent = cotangents[l];
    return cotangent && rate.mul(cotangent).reshape([ts.size, -1]).sum(1);
  });
  return (sumOf(sums) ?? zerosLike(ts)).cast(ts.dtype);
}

function requirePlain({ batch, jumps }: OdeSolveAttrs): void {
  const what =
    batch !== undefined
      ? 'a batched solve'
      : jumps.every((jump) => jump === undefined)
        ? ''
        : 'a state that jumps';
  if (what === '') return;
  throw new ArgumentError({
    what: `forward: ${what} is not among what its sensitivities are made for`,
    remedy: 'Use direct()',
  });
}

/** Cuts the products, [K], into the inputs that `wanted` names. */
function cut(
  products: Tensor,
  inputs: readonly Tensor[],
  wanted: readonly boolean[],
): (Tensor | null)[] {
  let before = 0;
  return inputs.map((input, i) => {
    if (!wanted[i]) return null;
    before += input.size;
    const part = products.slice([before - input.size], [input.size]);
    return part.reshape(input.shape).cast(input.dtype);
  });
}

const method: GradientMethod = {
  name: 'forward',
  vjp(inputs, attrs, needs) {
    requirePlain(attrs);
    const wanted = needs.map((need, i) => need && isDifferentiable(inputs[i]));
    const count = inputs.reduce((sum, { size }, i) => sum + (wanted[i] ? size : 0), 0);
    const directions = unitDirections(inputs, wanted);
    const { outputs, along } = solveAlong(inputs, attrs, directions, count);
    return {
      outputs,
      pullback(cotangents) {
        const terms = along.map((rows, l) => {
          const cotangent = cotangents[l];
          return cotangent && contract(cotangent, rows);
        });
        const products = sumOf(terms);
        if (products === null) return inputs.map(() => null);
        const gradients = cut(products, inputs, wanted);
        if (timesAreInput(attrs) && wanted[0]) {
          gradients[0] = sumOf([gradients[0], arrivals(inputs, attrs, outputs, cotangents)]);
        }
        return gradients;
      },
    };
  },
};

/**
 * Forward sensitivity: the derivatives by all K numbers of the inputs that are asked for, solved beside the state. Exact
 * for the discrete solution; memory does not grow with the steps; each evaluation of the field costs K more. For few.
 */
export function forward(): GradientMethod {
  return method;
}
