/**
 * The small graphs that a solve is run with: one step, the interpolation inside it, and the norms that steer it. They
 * are recorded once from the field's graph and the tableau; so a step can be differentiated like anything else.
 */
import { clean } from '@neuralode/autodiff';
import {
  type Graph,
  inline,
  linearCombination,
  record,
  type Spec,
  stack,
  type Tensor,
} from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';
import { type ErrorNorm, sizeOfErrors } from './norms.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';

/** What of a step is a function of what; leaf lists are in the order of the state. */
export interface StepGraphs {
  /** Inputs: t, y, args. Outputs: f. */
  readonly field: Graph;
  /** Inputs: t, h, y, k₁ (if FSAL), args. Outputs: y₁, the stages not given (leaf by leaf, stage after stage), error. */
  readonly step: Graph;
  /** Inputs: θ, h, y, all stages. Outputs: y(t + θh). */
  readonly dense: Graph;
  /** Inputs: y, f. Outputs: [‖y‖, ‖f‖], scaled. Only for adaptive control. */
  readonly size?: Graph;
  /** Inputs: t, h, y, f, args. Outputs: ‖f(t + h, y + h f) − f‖ / |h|, scaled. Only for adaptive control. */
  readonly curvature?: Graph;
  /** Inputs: y. Output: 0, or NaN where an element is not finite. */
  readonly finite: Graph;
}

interface Problem {
  readonly body: Graph;
  readonly state: readonly Spec[];
  readonly args: readonly Spec[];
  readonly scalar: Spec;
}

function problemOf({ body, leaves }: OdeSolveAttrs): Problem {
  const [scalar] = body.inputs;
  return {
    body,
    scalar,
    state: body.inputs.slice(1, 1 + leaves),
    args: body.inputs.slice(1 + leaves),
  };
}

/** Takes a list of stand-ins apart, front to back. */
function taker(tensors: readonly Tensor[]): (count: number) => Tensor[] {
  let from = 0;
  return (count) => {
    from += count;
    return tensors.slice(from - count, from);
  };
}

/** Leaf l of Σᵢ weightsᵢ kᵢ. */
function combine(weights: readonly number[], stages: readonly Tensor[][], leaf: number): Tensor {
  return linearCombination(
    weights,
    stages.slice(0, weights.length).map((stage) => stage[leaf]),
  );
}

/** 0 where all elements are finite, NaN otherwise. */
function nanUnlessFinite(tensors: readonly Tensor[]): Tensor {
  return tensors.map((each) => each.mul(0).sum()).reduce((a, b) => a.add(b));
}

/** Size of `values` in units of `scales`, over the leaves that steer. */
function scaledNorm(
  values: readonly Tensor[],
  scales: readonly Tensor[],
  steered: readonly boolean[],
  norm: ErrorNorm | undefined,
): Tensor {
  const scaled = values.flatMap((value, leaf) => (steered[leaf] ? [value.div(scales[leaf])] : []));
  return sizeOfErrors(scaled, norm);
}

function tolerance({ rtol, atol }: AdaptiveControl, size: Tensor): Tensor {
  return size.mul(rtol).add(atol);
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
      y.map((leaf, l) => leaf.add(combine(weights, stages, l).mul(h)));
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
    const errors = y.map((_, l) => combine(tableau.error as number[], stages, l).mul(h));
    const scales = y.map((leaf, l) => tolerance(control, leaf.abs().maximum(y1[l].abs())));
    const norm = scaledNorm(errors, scales, steered, control.norm);
    // Leaves that do not steer must still be seen when they overflow.
    const idle = y1.filter((_, l) => !steered[l]);
    return [...outputs, idle.length === 0 ? norm : norm.add(nanUnlessFinite(idle))];
  });
  return clean(recording.graph);
}

function recordDense({ tableau }: OdeSolveAttrs, { state, scalar }: Problem): Graph {
  const degree = tableau.interpolant[0].length;
  const count = tableau.c.length;
  const stageSpecs = tableau.c.flatMap(() => state);
  const recording = record([scalar, scalar, ...state, ...stageSpecs], (...stand) => {
    const take = taker(stand);
    const [theta, h] = take(2);
    const y = take(state.length);
    const stages = Array.from({ length: count }, () => take(state.length));
    const scale = theta.mul(h);
    return y.map((leaf, l) => {
      const coefficient = (power: number): Tensor =>
        combine(
          tableau.interpolant.map((row) => row[power]),
          stages,
          l,
        );
      let slope = coefficient(degree - 1);
      for (let power = degree - 2; power >= 0; power--) {
        slope = slope.mul(theta).add(coefficient(power));
      }
      return leaf.add(slope.mul(scale));
    });
  });
  return clean(recording.graph);
}

/** The two norms of Hairer's first-step rule that need no further evaluation. */
function recordSize(
  control: AdaptiveControl,
  { steered }: OdeSolveAttrs,
  { state }: Problem,
): Graph {
  const recording = record([...state, ...state], (...stand) => {
    const y = stand.slice(0, state.length);
    const f = stand.slice(state.length);
    const scales = y.map((leaf) => tolerance(control, leaf.abs()));
    return stack([
      scaledNorm(y, scales, steered, control.norm),
      scaledNorm(f, scales, steered, control.norm),
    ]);
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
    const euler = y.map((leaf, l) => leaf.add(f[l].mul(h)));
    const next = inline(body, [t.add(h), ...euler, ...take(args.length)]);
    const change = next.map((leaf, l) => leaf.sub(f[l]));
    const scales = y.map((leaf) => tolerance(control, leaf.abs()));
    return scaledNorm(change, scales, attrs.steered, control.norm).div(h.abs());
  });
  return clean(recording.graph);
}

const known = new WeakMap<OdeSolveAttrs, StepGraphs>();

/** The graphs of a solve, recorded at its first run. */
export function stepGraphs(attrs: OdeSolveAttrs): StepGraphs {
  let graphs = known.get(attrs);
  if (graphs === undefined) {
    const problem = problemOf(attrs);
    const { control } = attrs;
    graphs = {
      field: attrs.body,
      step: recordStep(attrs, problem),
      dense: recordDense(attrs, problem),
      finite: clean(record(problem.state, (...y) => nanUnlessFinite(y)).graph),
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
  readonly plain: { readonly field: number; readonly step: number; readonly dense: number };
}

/** The graphs of a solve that is not recorded. */
export function plainGraphs(attrs: OdeSolveAttrs): RunnableGraphs {
  const graphs = stepGraphs(attrs);
  const plain = {
    field: graphs.field.outputs.length,
    step: graphs.step.outputs.length,
    dense: graphs.dense.outputs.length,
  };
  return { ...graphs, plain };
}
