/**
 * `backsolve()`: the continuous adjoint, solved backwards in time (Chen, Rubanova, Bettencourt, Duvenaud 2018,
 * Algorithm 2 and appendix D). Memory does not grow with the number of steps.
 *
 * Backwards from t_{T−1} the solve carries [z, a, g]: the state again, its adjoint a = ∂L/∂z with da/dt = −aᵀ∂f/∂z, and
 * the parameters' gradient with dg/dt = −aᵀ∂f/∂θ. At each observation z is put back to its stored value and a gains the
 * cotangent of what was observed there. That is an `odeSolve` node with jumps, so it can be differentiated again.
 *
 * The gradient by the times is taken in closed form at each observation, aᵀf, rather than integrated as in Algorithm 2:
 * ∂L/∂t₀ = −a(t₀)ᵀ f(z(t₀), t₀) holds exactly and needs no further quadrature.
 */
import { clean, pullBack, sumOf } from '@neuralode/autodiff';
import {
  type AdaptiveSolver,
  type FixedStepSolver,
  type GradientMethod,
  type OdeSolveAttrs,
  afterJumps,
  controlOf,
  fieldAlong,
  odeSolve,
  requireHeld,
  requireKnownOptions,
  type Solver,
  solveInputs,
} from '@neuralode/solvers';
import {
  apply,
  type Graph,
  isDifferentiable,
  record,
  type Tensor,
  zerosLike,
} from '@neuralode/tensor';

/** Settings of `backsolve`; what is left out is as in the forward solve. */
export interface BacksolveOptions {
  readonly solver?: AdaptiveSolver | FixedStepSolver;
  readonly rtol?: number;
  readonly atol?: number;
  readonly stepSize?: number;
  /**
   * Leave the parameters' gradient out of the error norm (Kidger, Chen, Lyons 2021, "Hey, that's not an ODE"): it is a
   * mere quadrature, and need not steer the step. Default true.
   */
  readonly seminorm?: boolean;
}

const known = ['solver', 'rtol', 'atol', 'stepSize', 'seminorm'];

type MaybeTensor = Tensor | null;

/** Inputs: t, z, a, g, args. Outputs: f, −aᵀ∂f/∂z, −aᵀ∂f/∂θ for the args that `wanted` names. */
function adjointBody({ body, leaves }: OdeSolveAttrs, wanted: readonly boolean[]): Graph {
  const [time, ...rest] = body.inputs;
  const state = rest.slice(0, leaves);
  const args = rest.slice(leaves);
  const gradients = args.filter((_, i) => wanted[i]);
  const recording = record([time, ...state, ...state, ...gradients, ...args], (t, ...stand) => {
    const z = stand.slice(0, leaves);
    const a = stand.slice(leaves, 2 * leaves);
    const constants = stand.slice(2 * leaves + gradients.length);
    const inputs = [t, ...z, ...constants];
    const needs = [false, ...z.map(() => true), ...wanted];
    const { outputs, pullback } = pullBack(body, inputs, needs);
    const cotangents = pullback(a);
    const rates = inputs.flatMap((input, i) =>
      needs[i] ? [cotangents[i]?.neg() ?? zerosLike(input)] : [],
    );
    return [...outputs, ...rates];
  });
  return clean(recording.graph);
}

/** The method and control of the backward solve: the forward solve's, but for what `options` say. */
function backwardControl(
  { tableau, control, body }: OdeSolveAttrs,
  { seminorm: _, solver, ...given }: BacksolveOptions,
): Pick<OdeSolveAttrs, 'tableau' | 'control'> {
  if (solver === undefined && Object.keys(given).length === 0) return { tableau, control };
  const chosen = solver ?? ({ kind: control.kind, tableau } as Solver);
  const { maxSteps } = control;
  const sameKind = control.kind === chosen.kind;
  // A controller is made for its method's order, so another method brings its own.
  const inherited = sameKind
    ? { ...control, ...(solver && { controller: undefined }) }
    : { maxSteps };
  const backward = controlOf(chosen, { ...inherited, ...given }, 'backsolve');
  requireHeld(backward, body.inputs[0].dtype, 'backsolve');
  return { tableau: chosen.tableau, control: backward };
}

/** Rows 1 … T − 2. */
function interior(rows: Tensor): Tensor {
  return rows.slice([1], [rows.shape[0] - 2]);
}

function withoutLast(rows: Tensor): Tensor {
  return rows.slice([0], [rows.shape[0] - 1]);
}

/** Rows of zeros before and after. */
function padRows(rows: Tensor, before: number, after: number): Tensor {
  const only = (count: number): number[] => rows.shape.map((_, axis) => (axis === 0 ? count : 0));
  return rows.pad(only(before), only(after));
}

/** Sums each row of [T, …] to one number: [T]. */
function sumRows(rows: Tensor): Tensor {
  return rows.rank === 1 ? rows : rows.sum(rows.shape.map((_, axis) => axis).slice(1));
}

interface Backward {
  /** Adjoints just after each time, leaves [T, …] in the order of time; the last row is the last cotangent. */
  readonly after: readonly Tensor[];
  /** Gradients of the wanted args. */
  readonly gradients: readonly Tensor[];
}

/** The backward solve itself. */
function solveBackward(
  inputs: readonly Tensor[],
  attrs: OdeSolveAttrs,
  observed: readonly Tensor[],
  cotangents: readonly Tensor[],
  wanted: readonly boolean[],
  options: BacksolveOptions,
  self: GradientMethod,
): Backward {
  const { times, args } = solveInputs(inputs, attrs);
  const { leaves } = attrs;
  const count = observed[0].shape[0];
  const zeroGradients = args.filter((_, i) => wanted[i]).map(zerosLike);
  const last = (rows: Tensor): Tensor => rows.at(-1);
  // Backwards in time the interior observations come in reverse.
  const addends =
    count > 2 ? [...observed, ...cotangents].map((rows) => interior(rows).flip(0)) : [];
  const jumps =
    count > 2
      ? [
          ...observed.map(() => ({ keep: false })),
          ...attrs.jumps.map((jump) => ({ keep: jump?.keep ?? true })),
          ...zeroGradients.map(() => undefined),
        ]
      : [...observed, ...cotangents, ...zeroGradients].map(() => undefined);
  const backwardAttrs: OdeSolveAttrs = {
    ...attrs,
    ...backwardControl(attrs, options),
    body: adjointBody(attrs, wanted),
    leaves: 2 * leaves + zeroGradients.length,
    ...(attrs.times !== undefined && { times: attrs.times.toReversed() }),
    jumps,
    steered: [
      ...attrs.steered,
      ...attrs.steered,
      ...zeroGradients.map(() => !(options.seminorm ?? true)),
    ],
    pass: 'backward',
    gradient: self,
  };
  const results = apply(
    odeSolve,
    [
      ...(times === undefined ? [] : [times.flip(0)]),
      ...observed.map(last),
      ...cotangents.map(last),
      ...zeroGradients,
      ...addends,
      ...args,
    ],
    backwardAttrs,
  );
  return {
    after: results.slice(leaves, 2 * leaves).map((rows) => rows.flip(0)),
    gradients: results.slice(2 * leaves).map(last),
  };
}

/** ∂L/∂tᵢ = aᵢ⁻ · f(tᵢ, zᵢ⁻) − aᵢ⁺ · f(tᵢ, zᵢ⁺), with a⁻ and a⁺ the adjoints before and after what happens at tᵢ. */
function timeGradient(
  inputs: readonly Tensor[],
  attrs: OdeSolveAttrs,
  observed: readonly Tensor[],
  cotangents: readonly Tensor[],
  after: readonly Tensor[],
): Tensor {
  const { times, jumps, args } = solveInputs(inputs, attrs);
  const ts = times as Tensor;
  const rates = fieldAlong(attrs.body, ts, observed, args);
  const jumping = attrs.jumps.some((jump) => jump !== undefined);
  const ratesAfter = jumping
    ? fieldAlong(attrs.body, ts, afterJumps(observed, jumps, attrs), args)
    : rates;
  const terms = observed.map((_, leaf) => {
    const keeps = attrs.jumps[leaf]?.keep ?? true;
    const g = cotangents[leaf];
    // Row 0 of what was observed is y0 itself, which no time moves; after the last time there is nothing.
    let before = g.slice([1]);
    if (keeps && g.shape[0] > 2) before = before.add(padRows(interior(after[leaf]), 0, 1));
    const arriving = padRows(before, 1, 0).mul(rates[leaf]);
    const leaving = padRows(withoutLast(after[leaf]), 0, 1).mul(ratesAfter[leaf]);
    return sumRows(arriving.sub(leaving));
  });
  return (sumOf(terms) as Tensor).cast(ts.dtype);
}

/**
 * The continuous adjoint. Constant memory in the number of steps; its error is that of the tolerances, and grows where
 * the field, run backwards, is unstable.
 */
export function backsolve(options: BacksolveOptions = {}): GradientMethod {
  requireKnownOptions(options, known, 'backsolve');
  const self: GradientMethod = {
    name: 'backsolve',
    vjp(inputs, attrs, needs) {
      const observed = apply(odeSolve, inputs, attrs);
      return {
        outputs: observed,
        pullback(given: readonly MaybeTensor[]): MaybeTensor[] {
          const cotangents = observed.map((rows, leaf) => given[leaf] ?? zerosLike(rows));
          const roles = solveInputs(needs, attrs);
          const { args, jumps } = solveInputs(inputs, attrs);
          const wanted = roles.args.map((need, i) => need && isDifferentiable(args[i]));
          const back = solveBackward(inputs, attrs, observed, cotangents, wanted, options, self);
          const gradients = [...back.gradients];
          const jumping = attrs.jumps.flatMap((jump, leaf) => (jump === undefined ? [] : [leaf]));
          return [
            ...(roles.times === undefined
              ? []
              : [
                  roles.times
                    ? timeGradient(inputs, attrs, observed, cotangents, back.after)
                    : null,
                ]),
            ...back.after.map((rows, leaf) => rows.at(0).add(cotangents[leaf].at(0))),
            ...jumps.map((_, i) => interior(back.after[jumping[i]])),
            ...wanted.map((want) => (want ? (gradients.shift() as Tensor) : null)),
          ];
        },
      };
    },
  };
  return self;
}
