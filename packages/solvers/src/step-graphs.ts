/**
 * The small graphs that a solve is run with: the steps of its method, the interpolation inside them, and the norms that
 * steer them. They are recorded once from the field's graph; so a step can be differentiated like anything else.
 *
 * Where the field's t is a list [B], the solve is batched: t, h and the norms are lists, one entry a row of the state.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, inline, record, type Spec, stack } from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';
import type { KindGraphs, StepKind } from './method.ts';
import { observeOneByOne } from './observe-graphs.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';
import { along, nanUnlessFinite, scaledNorm, taker, tolerance } from './step-arithmetic.ts';

/** The graphs of a kind of step, with all that a solve asks for. */
export interface CompleteKind extends KindGraphs {
  readonly observe: (count: number) => Graph;
}

function complete(graphs: KindGraphs, { leaves }: OdeSolveAttrs): CompleteKind {
  const { dense, observe = (count) => observeOneByOne(dense, leaves, count) } = graphs;
  return { ...graphs, observe: lazily(observe) };
}

/** What of a solve is a function of what; leaf lists are in the order of the state. */
export interface StepGraphs {
  /** Inputs: t, y, args. Outputs: f. */
  readonly field: Graph;
  /** Inputs: t, y, args. Outputs: the memory that the first step is given. Absent where it is given none. */
  readonly start?: Graph;
  /** The graphs of a kind of step, recorded when it is first taken. */
  of(kind: StepKind): CompleteKind;
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

/** Each value made once, at its first use. */
export function lazily<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) {
      value = make(key);
      made.set(key, value);
    }
    return value;
  };
}

const known = new WeakMap<OdeSolveAttrs, StepGraphs>();

/** The graphs of a solve, recorded at its first run. */
export function stepGraphs(attrs: OdeSolveAttrs): StepGraphs {
  let graphs = known.get(attrs);
  if (graphs === undefined) {
    const problem = problemOf(attrs);
    const { control } = attrs;
    const { start } = attrs.method;
    graphs = {
      field: attrs.body,
      ...(start !== undefined && { start: start === 'field' ? attrs.body : start(problem) }),
      of: lazily((kind: StepKind) => complete(kind.record(attrs, problem), attrs)),
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

/** The graphs of a solve as they are run: those of `StepGraphs`, where some may give residuals behind their own outputs. */
export interface RunnableGraphs extends StepGraphs {
  /** Without residuals. */
  readonly own: StepGraphs;
}

/** The graphs of a solve that is not recorded. */
export function plainGraphs(attrs: OdeSolveAttrs): RunnableGraphs {
  const own = stepGraphs(attrs);
  return { ...own, own };
}
