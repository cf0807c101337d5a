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
  methodOf,
  odeSolve,
  requireHeld,
  requireKnownOptions,
  type Solver,
  solveInputs,
  timesInFront,
} from '@neuralode/solvers';
import { carryingNothing, landingMethod } from './landing-method.ts';
import { integralRate, integralsByState, parameterQuadrature } from './quadrature.ts';
import {
  ArgumentError,
  apply,
  type Graph,
  isDifferentiable,
  record,
  type Tensor,
  zerosLike,
} from '@neuralode/tensor';

/** Settings of a backward solve; what is left out is as in the forward solve. */
export interface BackwardOptions {
  readonly solver?: AdaptiveSolver | FixedStepSolver;
  readonly rtol?: number;
  readonly atol?: number;
  readonly stepSize?: number;
}

/** Settings of `backsolve`. */
export interface BacksolveOptions extends BackwardOptions {
  /**
   * Leave the parameters' gradient out of the error norm (Kidger, Chen, Lyons 2021, "Hey, that's not an ODE"): it is a
   * mere quadrature, and need not steer the step. Default true.
   */
  readonly seminorm?: boolean;
}

const known = ['solver', 'rtol', 'atol', 'stepSize', 'seminorm'];

type MaybeTensor = Tensor | null;

/** Inputs: t, z, a, g, args, c (quadrature.ts). Outputs: f, −aᵀ∂f/∂z, −aᵀ∂f/∂θ for the args that `wanted` names. */
function adjointBody(attrs: OdeSolveAttrs, wanted: readonly boolean[]): Graph {
  const { body, leaves } = attrs;
  const [time, ...rest] = body.inputs;
  const state = rest.slice(0, leaves);
  const args = rest.slice(leaves);
  const gradients = args.filter((_, i) => wanted[i]);
  const integrals = attrs.quadrature?.outputs ?? [];
  const operands = [time, ...state, ...state, ...gradients, ...args, ...integrals];
  const recording = record(operands, (t, ...stand) => {
    const z = stand.slice(0, leaves);
    const a = stand.slice(leaves, 2 * leaves);
    const constants = stand.slice(2 * leaves + gradients.length).slice(0, args.length);
    const c = stand.slice(stand.length - integrals.length);
    const inputs = [t, ...z, ...constants];
    const needs = [false, ...z.map(() => true), ...wanted];
    const { outputs, pullback } = pullBack(body, inputs, needs);
    const cotangents = pullback(a);
    integralsByState(attrs, t, z, constants, c).forEach((term, l) => {
      cotangents[1 + l] = sumOf([cotangents[1 + l], term]);
    });
    const rates = inputs.flatMap((input, i) =>
      needs[i] ? [cotangents[i]?.neg() ?? zerosLike(input)] : [],
    );
    return [...outputs, ...rates];
  });
  return clean(recording.graph);
}

/** The method and control of the backward solve: the forward solve's, but for what `options` say. */
export function backwardControl(
  { method, control, body }: OdeSolveAttrs,
  { solver, ...given }: BackwardOptions,
  who: string,
): Pick<OdeSolveAttrs, 'method' | 'control'> {
  const back = solver === undefined ? method : methodOf(solver);
  if (back.pairs) {
    throw new ArgumentError({
      what: `${who}: ${back.name} is for a state [q, p], and the adjoint is no such pair`,
      remedy: `Pass another solver for the way back, such as ${who}({ solver: dopri5() }); or take reversible()`,
    });
  }
  if (solver === undefined && Object.keys(given).length === 0) return { method, control };
  const chosen = solver ?? ({ kind: control.kind, method } as Solver);
  const { maxSteps } = control;
  const sameKind = control.kind === chosen.kind;
  // A controller is made for its method's order, so another method brings its own; a multistep method takes none.
  const bringsOwn = solver !== undefined || back.choosesLengths === true;
  const inherited = sameKind
    ? { ...control, ...(bringsOwn && { controller: undefined }) }
    : { maxSteps };
  const backward = controlOf(chosen, { ...inherited, ...given }, who);
  requireHeld(backward, body.inputs[0].dtype, who);
  return { method: back, control: backward };
}

/** Rows 1 … T − 2. */
export function interior(rows: Tensor): Tensor {
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

/** Sums each row of [T, …] to one number: [T]; of a batched solve, each of [T, B, …]: [T, B]. */
function sumRows(rows: Tensor, rank: number): Tensor {
  return rows.rank === rank ? rows : rows.sum(rows.shape.map((_, axis) => axis).slice(rank));
}

function requireSeminorm({ seminorm }: BacksolveOptions): void {
  if (seminorm !== false) return;
  throw new ArgumentError({
    what: "backsolve: in a batched solve the parameters' gradient, which has no rows, cannot count in the rows' errors",
    remedy: 'Leave seminorm out, or solve without batched',
  });
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
  c: readonly Tensor[],
  wanted: readonly boolean[],
  options: BacksolveOptions,
  self: GradientMethod,
): Backward {
  const { times, args } = solveInputs(inputs, attrs);
  const { leaves } = attrs;
  const count = observed[0].shape[0];
  const { batch } = attrs;
  const beside = batch !== undefined && wanted.includes(true);
  if (beside) requireSeminorm(options);
  // What has no rows cannot be a leaf of a batched state.
  const zeroGradients = batch === undefined ? args.filter((_, i) => wanted[i]).map(zerosLike) : [];
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
  const { quadrature: _, ...same } = attrs;
  const { seminorm = true, ...given } = options;
  const { method, control } = backwardControl(attrs, given, 'backsolve');
  const sparing = given.solver === undefined && count > 2 ? carryingNothing(method) : method;
  const backwardAttrs: OdeSolveAttrs = {
    ...same,
    method: landingMethod(sparing),
    control,
    body: adjointBody(attrs, batch === undefined ? wanted : wanted.map(() => false)),
    ...(beside && { quadrature: parameterQuadrature(attrs, wanted) }),
    leaves: 2 * leaves + zeroGradients.length,
    ...(attrs.times !== undefined && { times: attrs.times.toReversed() }),
    ...(attrs.rowTimes !== undefined && {
      rowTimes: attrs.rowTimes.map((row) => row.toReversed()),
    }),
    jumps,
    steered: [...attrs.steered, ...attrs.steered, ...zeroGradients.map(() => !seminorm)],
    pass: 'backward',
    gradient: self,
  };
  const results = apply(
    odeSolve,
    [
      ...(times === undefined ? [] : [times.flip(times.rank - 1)]),
      ...observed.map(last),
      ...cotangents.map(last),
      ...zeroGradients,
      ...addends,
      ...args,
      ...c,
    ],
    backwardAttrs,
  );
  return {
    after: results.slice(leaves, 2 * leaves).map((rows) => rows.flip(0)),
    gradients: beside ? results.slice(2 * leaves) : results.slice(2 * leaves).map(last),
  };
}

/** ∂L/∂tᵢ = aᵢ⁻ · f(tᵢ, zᵢ⁻) − aᵢ⁺ · f(tᵢ, zᵢ⁺), with a⁻ and a⁺ the adjoints before and after what happens at tᵢ. */
export function timeGradient(
  inputs: readonly Tensor[],
  attrs: OdeSolveAttrs,
  observed: readonly Tensor[],
  cotangents: readonly Tensor[],
  c: readonly Tensor[],
  after: readonly Tensor[],
): Tensor {
  const { times, jumps, args } = solveInputs(inputs, attrs);
  const ts = times as Tensor;
  const rates = fieldAlong(attrs.body, ts, observed, args);
  const jumping = attrs.jumps.some((jump) => jump !== undefined);
  const statesAfter = jumping ? afterJumps(observed, jumps, attrs) : observed;
  const ratesAfter = jumping ? fieldAlong(attrs.body, ts, statesAfter, args) : rates;
  const terms = observed.map((_, leaf) => {
    const keeps = attrs.jumps[leaf]?.keep ?? true;
    const g = cotangents[leaf];
    // Row 0 of what was observed is y0 itself, which no time moves; after the last time there is nothing.
    let before = g.slice([1]);
    if (keeps && g.shape[0] > 2) before = before.add(padRows(interior(after[leaf]), 0, 1));
    const arriving = padRows(before, 1, 0).mul(rates[leaf]);
    const leaving = padRows(withoutLast(after[leaf]), 0, 1).mul(ratesAfter[leaf]);
    return sumRows(arriving.sub(leaving), ts.rank);
  });
  if (c.length > 0) {
    const rate = integralRate(attrs);
    const [arriving] = fieldAlong(rate, ts, observed, [...args, ...c]);
    const [leaving] = fieldAlong(rate, ts, statesAfter, [...args, ...c]);
    terms.push(padRows(arriving.slice([1]), 1, 0).sub(padRows(withoutLast(leaving), 0, 1)));
  }
  // The times of a batched solve are [B, T].
  return timesInFront(sumOf(terms) as Tensor).cast(ts.dtype);
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
      const outputs = apply(odeSolve, inputs, attrs);
      const observed = outputs.slice(0, attrs.leaves);
      return {
        outputs,
        pullback(given: readonly MaybeTensor[]): MaybeTensor[] {
          const filled = outputs.map((output, i) => given[i] ?? zerosLike(output));
          const cotangents = filled.slice(0, attrs.leaves);
          const c = filled.slice(attrs.leaves);
          const roles = solveInputs(needs, attrs);
          const { args, jumps } = solveInputs(inputs, attrs);
          const wanted = roles.args.map((need, i) => need && isDifferentiable(args[i]));
          const back = solveBackward(inputs, attrs, observed, cotangents, c, wanted, options, self);
          const gradients = [...back.gradients];
          const jumping = attrs.jumps.flatMap((jump, leaf) => (jump === undefined ? [] : [leaf]));
          return [
            ...(roles.times === undefined
              ? []
              : [
                  roles.times
                    ? timeGradient(inputs, attrs, observed, cotangents, c, back.after)
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
