/**
 * Forward mode of `odeSolve`: the tangent is solved beside the state, by the same steps.
 *
 * Tangents do not count in the error norm: the steps stay those of the plain solve, and the tangent is the exact
 * derivative of the discrete solution. Moving a time moves what is observed there by f(t, y); moving t₀ acts like
 * moving y₀ by −f(t₀, y₀).
 */
import { clean, pushForward, spread } from '@neuralode/autodiff';
import {
  apply,
  type Graph,
  inline,
  isDifferentiable,
  type Primitive,
  record,
  scan,
  type Spec,
  type Tensor,
  zerosLike,
} from '@neuralode/tensor';
import { type OdeSolveAttrs, solveInputs } from './solve-attrs.ts';

type MaybeTangent = Tensor | null;

const present = (tangents: readonly MaybeTangent[]): Tensor[] =>
  tangents.filter((tangent) => tangent !== null);

/** The field with tangents of the state, and of those args that have one, travelling along. */
function doubledBody({ body, leaves }: OdeSolveAttrs, movingArgs: readonly boolean[]): Graph {
  const [time, ...rest] = body.inputs;
  const state = rest.slice(0, leaves);
  const args = rest.slice(leaves);
  const moving: Spec[] = args.filter((_, i) => movingArgs[i]);
  const recording = record([time, ...state, ...state, ...args, ...moving], (t, ...stand) => {
    const y = stand.splice(0, leaves);
    const yTangents = stand.splice(0, leaves);
    const values = stand.splice(0, args.length);
    const tangents = [null, ...yTangents, ...spread(movingArgs, stand)];
    const result = pushForward(body, [t, ...y, ...values], tangents);
    return [
      ...result.outputs,
      ...result.outputs.map((output, i) => result.tangents[i] ?? zerosLike(output)),
    ];
  });
  return clean(recording.graph);
}

/** Times [T], or [B, T] of a batched solve, with their axis in front, as the observations have it. */
export function timesInFront(times: Tensor): Tensor {
  return times.rank === 2 ? times.transpose() : times;
}

/** f at every row of stacked times and states: leaves [T, …]. */
export function fieldAlong(
  body: Graph,
  times: Tensor,
  states: readonly Tensor[],
  args: readonly Tensor[],
): Tensor[] {
  const [scalar] = body.inputs;
  const rows = { t: timesInFront(times).cast(scalar.dtype as Tensor['dtype']), y: [...states] };
  const [, values] = scan(
    (carry: object, row: { t: Tensor; y: Tensor[] }) =>
      [carry, inline(body, [row.t, ...row.y, ...args])] as const,
    {},
    rows,
  );
  return values;
}

/** Row i of `rates` [T, …] times number i of `weights` [T]; or, of a batched solve, [T, B, …] by [B, T]. */
export function weighRows(rates: Tensor, weights: Tensor): Tensor {
  const shape = rates.shape.map((extent, axis) => (axis < weights.rank ? extent : 1));
  return rates.mul(timesInFront(weights).cast(rates.dtype).reshape(shape));
}

/** The states just after the jumps at interior times; rows 0 and T − 1 as they are. */
export function afterJumps(
  observed: readonly Tensor[],
  jumps: readonly Tensor[],
  attrs: OdeSolveAttrs,
): Tensor[] {
  let next = 0;
  return observed.map((rows, leaf) => {
    const jump = attrs.jumps[leaf];
    if (jump === undefined) return rows;
    const padding = (count: number): number[] =>
      rows.shape.map((_, axis) => (axis === 0 ? count : 0));
    const addend = jumps[next++].pad(padding(1), padding(1));
    if (jump.keep) return rows.add(addend);
    const count = rows.shape[0];
    return rows
      .slice([0], [1])
      .pad(padding(0), padding(count - 1))
      .add(addend)
      .add(rows.slice([count - 1], [1]).pad(padding(count - 1), padding(0)));
  });
}

/**
 * The quadrature of a batched solve with its tangent. Inputs: t, w, y, ẏ, args, their tangents that move. Outputs: q, q̇.
 */
function doubledQuadrature(attrs: OdeSolveAttrs, movingArgs: readonly boolean[]): Graph {
  const quadrature = attrs.quadrature as Graph;
  const [time, weight, ...rest] = quadrature.inputs;
  const { leaves } = attrs;
  const [state, args] = [rest.slice(0, leaves), rest.slice(leaves)];
  const moving: Spec[] = args.filter((_, i) => movingArgs[i]);
  const operands = [time, weight, ...state, ...state, ...args, ...moving];
  const recording = record(operands, (t, w, ...stand) => {
    const y = stand.splice(0, leaves);
    const yTangents = stand.splice(0, leaves);
    const values = stand.splice(0, args.length);
    const tangents = [null, null, ...yTangents, ...spread(movingArgs, stand)];
    const result = pushForward(quadrature, [t, w, ...y, ...values], tangents);
    const zeros = result.outputs.map(zerosLike);
    return [...result.outputs, ...zeros.map((zero, i) => result.tangents[i] ?? zero)];
  });
  return clean(recording.graph);
}

/** By how much the integrals of a batched solve grow as its times move: Σ q ṫ on arrival at each, less that on leaving. */
function growthOfIntegrals(
  { quadrature }: OdeSolveAttrs,
  times: Tensor,
  timeTangent: Tensor,
  observed: readonly Tensor[],
  after: readonly Tensor[],
  args: readonly Tensor[],
): Tensor[] {
  if (quadrature === undefined) return [];
  const count = observed[0].shape[0] - 1;
  const [scalar] = quadrature.inputs;
  const total = (from: number, states: readonly Tensor[]): Tensor[] => {
    const [t, w, ...y] = [timesInFront(times), timesInFront(timeTangent), ...states].map((each) =>
      each.slice([from], [count]),
    );
    const dtype = scalar.dtype as Tensor['dtype'];
    const rows = { t: t.cast(dtype), w: w.cast(dtype), y };
    const [, terms] = scan(
      (carry: object, row: typeof rows) =>
        [carry, inline(quadrature, [row.t, row.w, ...row.y, ...args])] as const,
      {},
      rows,
    );
    return terms.map((each) => each.sum(0));
  };
  const leaving = total(0, after);
  return total(1, observed).map((arriving, i) => arriving.sub(leaving[i]));
}

/** The tangents of the initial state, of the jumps and of the integrals that moving the times amounts to. */
function fromTimes(
  odeSolve: Primitive<OdeSolveAttrs>,
  inputs: readonly Tensor[],
  timeTangent: Tensor,
  attrs: OdeSolveAttrs,
): { rates: Tensor[]; start: Tensor[]; jumps: (Tensor | undefined)[]; integrals: Tensor[] } {
  const { times, jumps, args } = solveInputs(inputs, attrs);
  const observed = apply(odeSolve, inputs, attrs).slice(0, attrs.leaves);
  const integralsWith = (after: readonly Tensor[]): Tensor[] =>
    growthOfIntegrals(attrs, times as Tensor, timeTangent, observed, after, args);
  const rates = fieldAlong(attrs.body, times as Tensor, observed, args);
  const start = rates.map((rate) => weighRows(rate, timeTangent).at(0).neg());
  if (attrs.jumps.every((jump) => jump === undefined)) {
    const still = attrs.jumps.map(() => undefined);
    return { rates, start, jumps: still, integrals: integralsWith(observed) };
  }
  const statesAfter = afterJumps(observed, jumps, attrs);
  const after = fieldAlong(attrs.body, times as Tensor, statesAfter, args);
  const interior = (rows: Tensor): Tensor => rows.slice([1], [rows.shape[0] - 2]);
  const jumpTangents = rates.map((rate, leaf) => {
    const arriving = attrs.jumps[leaf]?.keep === false ? zerosLike(rate) : rate;
    return interior(weighRows(arriving.sub(after[leaf]), timeTangent));
  });
  return { rates, start, jumps: jumpTangents, integrals: integralsWith(statesAfter) };
}

/** The `jvp` rule of `odeSolve`, which is handed in: a rule and its primitive need each other. */
export function forwardMode(
  odeSolve: Primitive<OdeSolveAttrs>,
  inputs: readonly Tensor[],
  tangents: readonly MaybeTangent[],
  attrs: OdeSolveAttrs,
): { outputs: Tensor[]; tangents: Tensor[] } {
  const { leaves } = attrs;
  const given = solveInputs(inputs, attrs);
  const moving = solveInputs(tangents, attrs);
  const timeTangent = moving.times ?? null;
  const moved = timeTangent && fromTimes(odeSolve, inputs, timeTangent, attrs);
  const plus = (tangent: MaybeTangent, extra: Tensor | undefined, like: Tensor): Tensor =>
    extra === undefined ? (tangent ?? zerosLike(like)) : (tangent?.add(extra) ?? extra);

  const y0 = given.y0.map((leaf, l) => plus(moving.y0[l], moved?.start[l], leaf));
  const jumping = attrs.jumps.flatMap((jump, leaf) => (jump === undefined ? [] : [leaf]));
  // Where times move, every leaf's tangent jumps at every jump of the state, be it only by the change of field there.
  const allJump = moved !== null && jumping.length > 0;
  const jumpTangents = attrs.jumps.flatMap((jump, leaf) => {
    if (jump !== undefined) {
      const place = jumping.indexOf(leaf);
      return [plus(moving.jumps[place], moved?.jumps[leaf], given.jumps[place])];
    }
    return allJump ? [moved.jumps[leaf] as Tensor] : [];
  });
  const movingArgs = moving.args.map(
    (tangent, i) => tangent !== null && isDifferentiable(given.args[i]),
  );
  const operands = [
    ...(given.times === undefined ? [] : [given.times]),
    ...given.y0,
    ...y0,
    ...given.jumps,
    ...jumpTangents,
    ...given.args,
    ...present(moving.args),
  ];
  const results = apply(odeSolve, operands, {
    ...attrs,
    body: doubledBody(attrs, movingArgs),
    ...(attrs.quadrature && { quadrature: doubledQuadrature(attrs, movingArgs) }),
    leaves: 2 * leaves,
    ...(attrs.positions && { positions: [...attrs.positions, ...attrs.positions] }),
    jumps: [
      ...attrs.jumps,
      ...attrs.jumps.map((jump) => jump ?? (allJump ? { keep: true } : undefined)),
    ],
    steered: [...attrs.steered, ...attrs.steered.map(() => false)],
  } satisfies OdeSolveAttrs);
  const along = results
    .slice(leaves, 2 * leaves)
    .map((tangent, leaf) =>
      moved === null ? tangent : tangent.add(weighRows(moved.rates[leaf], timeTangent as Tensor)),
    );
  const integrals = results.slice(2 * leaves);
  const growth = integrals.splice(integrals.length / 2);
  return {
    outputs: [...results.slice(0, leaves), ...integrals],
    tangents: [
      ...along,
      ...growth.map((tangent, i) => (moved === null ? tangent : tangent.add(moved.integrals[i]))),
    ],
  };
}
