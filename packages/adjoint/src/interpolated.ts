/**
 * `interpolated()`: the continuous adjoint, solved backwards along the dense output of the forward solve, whose steps are
 * kept. The state is not solved again, so what makes `backsolve()` fail where the reversed field is unstable has no part
 * in it: backwards the adjoint is as stable as the state is forwards. (InterpolatingAdjoint and GaussAdjoint of
 * SciMLSensitivity; Rackauckas et al. 2020, "Universal differential equations", https://arxiv.org/abs/2001.04385.)
 *
 * Backwards from t_{T−1} the solve carries a = ∂L/∂z alone, da/dt = −aᵀ∂f/∂z, which gains at each observation the
 * cotangent of what was observed there. The parameters' gradient is summed up beside it: see adjoint-solve.ts.
 *
 * The kept steps are a record of a run, so derivatives of this gradient do not flow through them: as with `direct()`, the
 * backward pass is a node with a rule that needs the solve's forward mode only.
 */
import {
  clean,
  inferPullback,
  type PullbackAttrs,
  pullBack,
  pullbackRule,
  spread,
  tapedRule,
} from '@neuralode/autodiff';
import {
  type GradientMethod,
  type OdeSolveAttrs,
  odeSolve,
  plainGraphs,
  requireKnownOptions,
  runOdeSolve,
  solveInputs,
} from '@neuralode/solvers';
import {
  ArgumentError,
  apply,
  type DerivativeRule,
  full,
  type Graph,
  isDifferentiable,
  type Primitive,
  type Run,
  record,
  runGraph,
  type Slot,
  type Spec,
  type Tensor,
  zerosLike,
} from '@neuralode/tensor';
import { type AdjointSolveAttrs, adjointSolve } from './adjoint-solve.ts';
import { type BackwardOptions, backwardControl, interior, timeGradient } from './backsolve.ts';
import { KeptSolve, stateAt } from './kept-solve.ts';

/** Settings of `interpolated`; what is left out is as in the forward solve. */
export type InterpolatedOptions = BackwardOptions;

const known = ['solver', 'rtol', 'atol', 'stepSize'];
const opaque: Spec = { shape: [], dtype: 'opaque' };

const jumpsOf = ({ jumps }: OdeSolveAttrs): boolean => jumps.some((jump) => jump !== undefined);

/** `odeSolve` with one more output: the kept solve. */
const odeSolveKept: Primitive<OdeSolveAttrs> = {
  name: 'odeSolveKept',
  infer: (inputs, attrs) => [...odeSolve.infer(inputs, attrs), opaque],
  *run(inputs, attrs, backend): Run<Slot[]> {
    const kept = new KeptSolve(attrs);
    try {
      const watched = { ...attrs, witness: kept };
      const outputs = yield* runOdeSolve(inputs, watched, backend, plainGraphs(attrs));
      kept.observed = outputs.map((slot) => slot.retain());
      return [...outputs, kept];
    } catch (error) {
      kept.release();
      throw error;
    }
  },
  get derivative() {
    return keptRule;
  },
};

interface BackAttrs extends PullbackAttrs<OdeSolveAttrs> {
  /** Inputs: the kept solve, what it observed, its inputs, the cotangents given. Outputs: the cotangents asked for. */
  readonly backward: Graph;
}

/** The backward pass. Inputs: the kept solve, the solve's inputs, the cotangents given. */
const interpolatedBack: Primitive<BackAttrs> = {
  name: 'interpolatedBack',
  infer: inferPullback,
  *run([kept, ...rest], { backward }, backend): Run<Slot[]> {
    return yield* runGraph(backward, [kept, ...(kept as KeptSolve).observed, ...rest], backend);
  },
  get derivative() {
    return backRule;
  },
};

const forwardRule = odeSolve.derivative as DerivativeRule<OdeSolveAttrs>;
const backRule = pullbackRule<OdeSolveAttrs, BackAttrs>(() => interpolatedBack, forwardRule.jvp);
const keptRule = tapedRule<OdeSolveAttrs, OdeSolveAttrs>(() => odeSolveKept, forwardRule);

/**
 * Inputs: t, a, the stretch between jumps where the state jumps, the kept solve, args. Outputs: −aᵀ∂f/∂z, and 0 for the
 * stretch.
 */
function adjointBody(attrs: OdeSolveAttrs): Graph {
  const { body, leaves } = attrs;
  const [time, ...rest] = body.inputs;
  const [state, args] = [rest.slice(0, leaves), rest.slice(leaves)];
  const stretches = jumpsOf(attrs) ? [time] : [];
  const recording = record([time, ...state, ...stretches, opaque, ...args], (t, ...stand) => {
    const a = stand.splice(0, leaves);
    const [stretch] = stand.splice(0, stretches.length);
    const [kept, ...constants] = stand;
    const z = stateAt(state, kept, t, stretch);
    const needs = [false, ...z.map(() => true), ...args.map(() => false)];
    const pulled = pullBack(body, [t, ...z, ...constants], needs).pullback(a);
    const rates = z.map((leaf, l) => pulled[1 + l]?.neg() ?? zerosLike(leaf));
    return [...rates, ...(stretch === undefined ? [] : [zerosLike(stretch)])];
  });
  return clean(recording.graph);
}

/** The solve for a, its rows in the order in which it goes through the times. */
function adjointAttrs(
  attrs: OdeSolveAttrs,
  count: number,
  options: InterpolatedOptions,
): OdeSolveAttrs {
  const stretches = jumpsOf(attrs) ? 1 : 0;
  const lands = count > 2;
  return {
    ...attrs,
    ...backwardControl(attrs, options, 'interpolated'),
    body: adjointBody(attrs),
    leaves: attrs.leaves + stretches,
    ...(attrs.times !== undefined && { times: attrs.times.toReversed() }),
    jumps: [
      ...attrs.jumps.map((jump) => (lands ? { keep: jump?.keep ?? true } : undefined)),
      ...(stretches > 0 ? [{ keep: true }] : []),
    ],
    // Of the tangents that forward mode adds, too: each has its own adjoint, and only these are solved for here.
    steered: [...attrs.steered.map(() => true), ...(stretches > 0 ? [false] : [])],
    pass: 'backward',
  };
}

interface Backward {
  /** Adjoints just after each time, leaves [T, …] in the order of time; the last row is the last cotangent. */
  readonly after: readonly Tensor[];
  readonly gradients: readonly Tensor[];
}

function solveBackward(
  kept: Tensor,
  inputs: readonly Tensor[],
  attrs: AdjointSolveAttrs,
  cotangents: readonly Tensor[],
): Backward {
  const { forward, solve } = attrs;
  const { times, args } = solveInputs(inputs, forward);
  const [{ shape }] = cotangents;
  const scalar = forward.body.inputs[0].dtype as Tensor['dtype'];
  const jumping = jumpsOf(forward);
  const stretch = jumping ? [full([], shape[0] - 2, { dtype: scalar })] : [];
  const addends = shape[0] > 2 ? cotangents.map((rows) => interior(rows).flip(0)) : [];
  if (jumping) addends.push(full([shape[0] - 2], -1, { dtype: scalar }));
  const results = apply(
    adjointSolve,
    [
      ...(times === undefined ? [] : [times.flip(0)]),
      ...cotangents.map((rows) => rows.at(-1)),
      ...stretch,
      ...addends,
      kept,
      ...args,
    ],
    attrs,
  );
  return {
    after: results.slice(0, forward.leaves).map((rows) => rows.flip(0)),
    gradients: results.slice(solve.leaves),
  };
}

/** The graph of the backward pass: see `BackAttrs`. */
function recordBackward(
  inputs: readonly Spec[],
  outputs: readonly Spec[],
  attrs: OdeSolveAttrs,
  { needs, given }: Pick<BackAttrs, 'needs' | 'given'>,
  options: InterpolatedOptions,
): Graph {
  const roles = solveInputs(needs, attrs);
  const args = solveInputs(inputs, attrs).args;
  const wanted = roles.args.map((need, i) => need && isDifferentiable(args[i]));
  const solve = adjointAttrs(attrs, outputs[0].shape[0], options);
  const adjoint: AdjointSolveAttrs = { forward: attrs, solve, wanted };
  const arriving = outputs.filter((_, i) => given[i]);
  const recording = record([opaque, ...outputs, ...inputs, ...arriving], (kept, ...stand) => {
    const observed = stand.splice(0, outputs.length);
    const x = stand.splice(0, inputs.length);
    const cotangents = spread(given, stand).map((each, i) => each ?? zerosLike(observed[i]));
    const back = solveBackward(kept, x, adjoint, cotangents);
    const gradients = [...back.gradients];
    const jumping = attrs.jumps.flatMap((jump, leaf) => (jump === undefined ? [] : [leaf]));
    return [
      ...(roles.times ? [timeGradient(x, attrs, observed, cotangents, [], back.after)] : []),
      ...roles.y0.flatMap((need, leaf) =>
        need ? [back.after[leaf].at(0).add(cotangents[leaf].at(0))] : [],
      ),
      ...roles.jumps.flatMap((need, i) => (need ? [interior(back.after[jumping[i]])] : [])),
      ...roles.args.flatMap((need, i) => {
        if (!need) return [];
        return [
          wanted[i] ? (gradients.shift() as Tensor) : zerosLike(x[x.length - args.length + i]),
        ];
      }),
    ];
  });
  return clean(recording.graph);
}

function requireCommonSteps({ batch }: OdeSolveAttrs): void {
  if (batch === undefined) return;
  throw new ArgumentError({
    what: 'interpolated: in a batched solve every row has steps of its own, which are not kept',
    remedy: 'Use direct(), checkpointed() or backsolve(), or leave batched out',
  });
}

/**
 * The continuous adjoint along the kept steps of the forward solve. Memory grows with the steps of the forward solve, a
 * state for each stage; its error is that of the tolerances, also where the field contracts strongly.
 */
export function interpolated(options: InterpolatedOptions = {}): GradientMethod {
  requireKnownOptions(options, known, 'interpolated');
  return {
    name: 'interpolated',
    vjp(inputs, attrs, needs) {
      requireCommonSteps(attrs);
      const outputs = apply(odeSolveKept, inputs, attrs);
      const kept = outputs.pop() as Tensor;
      return {
        outputs,
        pullback(cotangents) {
          const given = cotangents.map((cotangent) => cotangent !== null);
          const arrived = cotangents.filter((cotangent) => cotangent !== null);
          const asked = { needs, given };
          const backward = recordBackward(inputs, outputs, attrs, asked, options);
          const backAttrs: BackAttrs = { loop: attrs, ...asked, backward };
          return spread(needs, apply(interpolatedBack, [kept, ...inputs, ...arrived], backAttrs));
        },
      };
    },
  };
}
