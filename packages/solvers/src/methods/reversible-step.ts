/**
 * What the steps of reversible methods are recorded with: one evaluation of the field or a few, no tableau.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, inline, record, type Tensor } from '@neuralode/tensor';
import type { StepKind } from '../method.ts';
import type { Problem } from '../step-graphs.ts';
import { taker } from '../step-arithmetic.ts';

/** Leaves of one group, in the order of the state. */
export type Group = readonly Tensor[];

/** What a graph of a step is given. */
export interface StandIns {
  readonly t: Tensor;
  readonly h: Tensor;
  readonly y: Group;
  /** The groups that come in beside the state. */
  readonly groups: readonly Group[];
  /** The field at this time and state. */
  field(t: Tensor, y: Group): Tensor[];
}

/** Records a graph of the inputs t, h, y, so many groups, args. */
export function recordOnGroups(
  { body, state, args, scalar }: Problem,
  count: number,
  outputs: (given: StandIns) => readonly Tensor[],
): Graph {
  const groupSpecs = Array.from({ length: count }, () => state).flat();
  const recording = record([scalar, scalar, ...state, ...groupSpecs, ...args], (...stand) => {
    const take = taker(stand);
    const [t, h] = take(2);
    const y = take(state.length);
    const groups = Array.from({ length: count }, () => take(state.length));
    const constants = take(args.length);
    const field = (at: Tensor, point: Group): Tensor[] =>
      inline(body, [at, ...point, ...constants]);
    return [...outputs({ t, h, y, groups, field })];
  });
  return clean(recording.graph);
}

/** Records the interpolant. Inputs: θ, h, y, so many groups. */
export function recordInterpolant(
  { state, scalar }: Problem,
  count: number,
  outputs: (theta: Tensor, h: Tensor, y: Group, groups: readonly Group[]) => readonly Tensor[],
): Graph {
  const groupSpecs = Array.from({ length: count }, () => state).flat();
  const recording = record([scalar, scalar, ...state, ...groupSpecs], (...stand) => {
    const take = taker(stand);
    const [theta, h] = take(2);
    const y = take(state.length);
    const groups = Array.from({ length: count }, () => take(state.length));
    return [...outputs(theta, h, y, groups)];
  });
  return clean(recording.graph);
}

/** a + c · b, leaf by leaf. */
export function plus(a: Group, b: Group, c: Tensor): Tensor[] {
  return a.map((leaf, l) => leaf.add(b[l].mul(c)));
}

/** From each of two groups the leaves that `first` says, and the others. */
export function merged(first: readonly boolean[], a: Group, b: Group): Tensor[] {
  return first.map((own, l) => (own ? a[l] : b[l]));
}

/** The cost of a kind of step that evaluates the field `evaluations` times. */
export function explicitCost(evaluations: number, extend = 0): StepKind['cost'] {
  const cost = { evaluations, jacobians: 0, factorisations: 0 };
  return { step: cost, reverse: cost, extend };
}

/** For methods all of whose steps are alike. */
export function alwaysPlans(kind: StepKind) {
  const planned = { kind, coefficients: [] };
  return () => ({ begin: () => {}, plan: () => planned, judged: () => undefined });
}
