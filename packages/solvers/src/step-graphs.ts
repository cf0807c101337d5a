/**
 * The small graphs that a solve is run with: one step, the interpolation inside it, and the norms that steer it. They
 * are recorded once from the field's graph and the tableau; so a step can be differentiated like anything else.
 *
 * Where the field's t is a list [B], the solve is batched: t, h and the norms are lists, one entry a row of the state.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, inline, record, type Spec, stack, type Tensor } from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';
import { recordImplicitStep } from './implicit/step.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';
import { nestedOf } from './nested-polynomial.ts';
import { countInterpolated, type DenseStages } from './tableau.ts';
import {
  along,
  combine,
  nanUnlessFinite,
  scaledNorm,
  taker,
  tolerance,
} from './step-arithmetic.ts';

/** What of a step is a function of what; leaf lists are in the order of the state. */
export interface StepGraphs {
  /** Inputs: t, y, args. Outputs: f. */
  readonly field: Graph;
  /**
   * Inputs: t, h, y, k₁ (if FSAL), args, and a `NewtonWork` if implicit. Outputs: y₁, the stages not given (leaf by
   * leaf, stage after stage), error.
   */
  readonly step: Graph;
  /** Inputs: t, h, y, the step's stages, args. Outputs: the stages that only the interpolant needs. */
  readonly extend?: Graph;
  /** Inputs: θ, h, y, all stages. Outputs: y(t + θh). */
  readonly dense: Graph;
  /** Inputs: y, f. Outputs: [‖y‖, ‖f‖], scaled. Only for adaptive control. */
  readonly size?: Graph;
  /** Inputs: t, h, y, f, args. Outputs: ‖f(t + h, y + h f) − f‖ / |h|, scaled. Only for adaptive control. */
  readonly curvature?: Graph;
  /** Inputs: y. Output: 0, or NaN where an element is not finite. */
  readonly finite: Graph;
}

export interface Problem {
  readonly body: Graph;
  readonly state: readonly Spec[];
  readonly args: readonly Spec[];
  /** Of t and h: a scalar, or [B] in a batched solve. */
  readonly scalar: Spec;
}

export function problemOf({ body, leaves }: OdeSolveAttrs): Problem {
  const [scalar] = body.inputs;
  return {
    body,
    scalar,
    state: body.inputs.slice(1, 1 + leaves),
    args: body.inputs.slice(1 + leaves),
  };
}

function recordStep(attrs: OdeSolveAttrs, problem: Problem): Graph {
  const { tableau, control, steered } = attrs;
  const { body, state, args, scalar } = problem;
  const given = tableau.fsal ? state : [];
  const recording = record([scalar, scalar, ...state, ...given, ...args], (...stand) => {
    const take = taker(stand);
    const [t, h] = take(2);
    const y = take(state.length);
    const stages = tableau.fsal ? [take(state.length)] : [];
    const constants = take(args.length);
    const advance = (weights: readonly number[]): Tensor[] =>
      y.map((leaf, l) => leaf.add(combine(weights, stages, l).mul(along(h, leaf))));
    let point = y;
    for (let i = stages.length; i < tableau.c.length; i++) {
      const at = tableau.c[i] === 0 ? t : t.add(h.mul(tableau.c[i]));
      point = i === 0 ? y : advance(tableau.a[i]);
      stages.push(inline(body, [at, ...point, ...constants]));
    }
    // FSAL: the last stage was evaluated at y₁.
    const y1 = tableau.fsal ? point : advance(tableau.b);
    const fresh = tableau.fsal ? stages.slice(1) : stages;
    const outputs = [...y1, ...fresh.flat()];
    if (control.kind === 'fixed' || tableau.error === undefined) return outputs;
    const { error, coarseError } = tableau;
    const estimate = (weights: readonly number[]): Tensor[] =>
      y.map((leaf, l) => combine(weights, stages, l).mul(along(h, leaf)));
    const errors = estimate(error);
    const scales = y.map((leaf, l) => tolerance(control, leaf.abs().maximum(y1[l].abs())));
    const sized = (values: readonly Tensor[]): Tensor =>
      scaledNorm(values, scales, steered, control, scalar);
    const fine = sized(errors);
    const norm = coarseError === undefined ? fine : steady(fine, sized(estimate(coarseError)));
    // Leaves that do not steer must still be seen when they overflow.
    const idle = y1.filter((_, l) => !steered[l]);
    return [...outputs, idle.length === 0 ? norm : norm.add(nanUnlessFinite(idle, scalar))];
  });
  return clean(recording.graph);
}

/** E² / √(E² + 0.01 E′²); 0 where both are, and not finite where either is not. */
function steady(fine: Tensor, coarse: Tensor): Tensor {
  const both = fine.square().add(coarse.square().mul(0.01)).sqrt();
  const ratio = fine.div(both.maximum(1e-30));
  return fine.mul(ratio).add(nanUnlessFinite([both], both));
}

function recordExtend(
  { tableau }: OdeSolveAttrs,
  { body, state, args, scalar }: Problem,
  { c, a }: DenseStages,
): Graph {
  const stageSpecs = tableau.c.flatMap(() => state);
  const recording = record([scalar, scalar, ...state, ...stageSpecs, ...args], (...stand) => {
    const take = taker(stand);
    const [t, h] = take(2);
    const y = take(state.length);
    const stages = tableau.c.map(() => take(state.length));
    const constants = take(args.length);
    c.forEach((node, i) => {
      const point = y.map((leaf, l) => leaf.add(combine(a[i], stages, l).mul(along(h, leaf))));
      stages.push(inline(body, [t.add(h.mul(node)), ...point, ...constants]));
    });
    return stages.slice(tableau.c.length).flat();
  });
  return clean(recording.graph);
}

/** Also at other extents than the solve's own: `state` and `scalar` say for how many rows. */
export function recordDense(
  { tableau }: Pick<OdeSolveAttrs, 'tableau'>,
  { state, scalar }: Pick<Problem, 'state' | 'scalar'>,
): Graph {
  const rows = tableau.interpolant.map(nestedOf);
  const degree = rows[0].length;
  const count = countInterpolated(tableau);
  const stageSpecs = Array.from({ length: count }, () => state).flat();
  const recording = record([scalar, scalar, ...state, ...stageSpecs], (...stand) => {
    const take = taker(stand);
    const [theta, h] = take(2);
    const y = take(state.length);
    const stages = Array.from({ length: count }, () => take(state.length));
    const scale = theta.mul(h);
    const left = theta.neg().add(1);
    return y.map((leaf, l) => {
      const coefficient = (depth: number): Tensor =>
        combine(
          rows.map((row) => row[depth]),
          stages,
          l,
        );
      let slope = coefficient(degree - 1);
      for (let depth = degree - 2; depth >= 0; depth--) {
        const factor = along(depth % 2 === 0 ? left : theta, leaf);
        slope = slope.mul(factor).add(coefficient(depth));
      }
      return leaf.add(slope.mul(along(scale, leaf)));
    });
  });
  return clean(recording.graph);
}

/** The two norms of Hairer's first-step rule that need no further evaluation. */
function recordSize(
  control: AdaptiveControl,
  { steered }: OdeSolveAttrs,
  { state, scalar }: Problem,
): Graph {
  const recording = record([...state, ...state], (...stand) => {
    const y = stand.slice(0, state.length);
    const f = stand.slice(state.length);
    const scales = y.map((leaf) => tolerance(control, leaf.abs()));
    return stack([y, f].map((values) => scaledNorm(values, scales, steered, control, scalar)));
  });
  return clean(recording.graph);
}

function recordCurvature(control: AdaptiveControl, attrs: OdeSolveAttrs, problem: Problem): Graph {
  const { body, state, args, scalar } = problem;
  const recording = record([scalar, scalar, ...state, ...state, ...args], (...stand) => {
    const take = taker(stand);
    const [t, h] = take(2);
    const y = take(state.length);
    const f = take(state.length);
    const euler = y.map((leaf, l) => leaf.add(f[l].mul(along(h, leaf))));
    const next = inline(body, [t.add(h), ...euler, ...take(args.length)]);
    const change = next.map((leaf, l) => leaf.sub(f[l]));
    const scales = y.map((leaf) => tolerance(control, leaf.abs()));
    return scaledNorm(change, scales, attrs.steered, control, scalar).div(h.abs());
  });
  return clean(recording.graph);
}

const known = new WeakMap<OdeSolveAttrs, StepGraphs>();

/** The graphs of a solve, recorded at its first run. */
export function stepGraphs(attrs: OdeSolveAttrs): StepGraphs {
  let graphs = known.get(attrs);
  if (graphs === undefined) {
    const problem = problemOf(attrs);
    const { control, tableau } = attrs;
    graphs = {
      field: attrs.body,
      step: tableau.implicit === undefined ? recordStep(attrs, problem) : recordImplicitStep(attrs),
      dense: recordDense(attrs, problem),
      ...(tableau.denseStages !== undefined && {
        extend: recordExtend(attrs, problem, tableau.denseStages),
      }),
      finite: clean(record(problem.state, (...y) => nanUnlessFinite(y, problem.scalar)).graph),
      ...(control.kind === 'adaptive' && {
        size: recordSize(control, attrs, problem),
        curvature: recordCurvature(control, attrs, problem),
      }),
    };
    known.set(attrs, graphs);
  }
  return graphs;
}

/** The graphs as they are run (perhaps with residuals among the outputs), and how many outputs are plain. */
export interface RunnableGraphs extends StepGraphs {
  readonly plain: Readonly<Record<'field' | 'step' | 'extend' | 'dense', number>>;
}

/** The graphs of a solve that is not recorded. */
export function plainGraphs(attrs: OdeSolveAttrs): RunnableGraphs {
  const graphs = stepGraphs(attrs);
  const plain = {
    field: graphs.field.outputs.length,
    step: graphs.step.outputs.length,
    extend: graphs.extend?.outputs.length ?? 0,
    dense: graphs.dense.outputs.length,
  };
  return { ...graphs, plain };
}
