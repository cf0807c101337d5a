/**
 * Runge-Kutta methods as the run loop sees them: one kind of step, recorded from the tableau.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, inline, record, stack, type Tensor } from '@neuralode/tensor';
import { fixedCost, reverseCost } from './implicit/cost.ts';
import { recordImplicitStep } from './implicit/step.ts';
import type { Course, Method, StepKind } from './method.ts';
import { nestedOf } from './nested-polynomial.ts';
import { recordObserve } from './observe-graphs.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';
import {
  along,
  combine,
  nanUnlessFinite,
  scaledNorm,
  taker,
  tolerance,
} from './step-arithmetic.ts';
import { stagewise } from './stiffness.ts';
import type { Problem } from './step-graphs.ts';
import { countInterpolated, type DenseStages, type Solver, type Tableau } from './tableau.ts';

function recordStep(
  tableau: Tableau,
  { control, steered }: OdeSolveAttrs,
  { body, state, args, scalar }: Problem,
  measured: boolean,
): Graph {
  const given = tableau.fsal ? state : [];
  const recording = record([scalar, scalar, ...state, ...given, ...args], (...stand) => {
    const take = taker(stand);
    const [t, h] = take(2);
    const y = take(state.length);
    const stages = tableau.fsal ? [take(state.length)] : [];
    const constants = take(args.length);
    const advance = (weights: readonly number[]): Tensor[] =>
      y.map((leaf, l) => leaf.add(combine(weights, stages, l).mul(along(h, leaf))));
    const points: (readonly Tensor[])[] = [];
    for (let i = stages.length; i < tableau.c.length; i++) {
      const at = tableau.c[i] === 0 ? t : t.add(h.mul(tableau.c[i]));
      const point = i === 0 ? y : advance(tableau.a[i]);
      points.push(point);
      stages.push(inline(body, [at, ...point, ...constants]));
    }
    // FSAL: the last stage was evaluated at y₁.
    const y1 = tableau.fsal ? (points.at(-1) as readonly Tensor[]) : advance(tableau.b);
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
    const size = idle.length === 0 ? norm : norm.add(nanUnlessFinite(idle, scalar));
    if (!measured) return [...outputs, size];
    const stiffness = stagewise(h, lastTwo(stages), lastTwo(points), sized);
    return [...outputs, stack([size, stiffness])];
  });
  return clean(recording.graph);
}

/** Newest first. */
function lastTwo<T>(items: readonly T[]): [T, T] {
  const [older, newer] = items.slice(-2);
  return [newer, older];
}

/** E² / √(E² + 0.01 E′²); 0 where both are, and not finite where either is not. */
function steady(fine: Tensor, coarse: Tensor): Tensor {
  const both = fine.square().add(coarse.square().mul(0.01)).sqrt();
  const ratio = fine.div(both.maximum(1e-30));
  return fine.mul(ratio).add(nanUnlessFinite([both], both));
}

function recordExtend(
  tableau: Tableau,
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
  tableau: Tableau,
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

/** The kind of step that a tableau describes; where `measured`, its second error is h ρ (stiffness.ts). */
export function rungeKuttaStep(tableau: Tableau, name = 'step', measured = false): StepKind {
  const { c, fsal, denseStages, implicit } = tableau;
  const given = fsal ? 1 : 0;
  const fresh = c.length - given;
  return {
    name,
    given,
    fresh,
    leaves: fsal ? [fresh - 1] : [],
    further: denseStages?.c.length ?? 0,
    coefficients: 0,
    implicit: implicit !== undefined,
    cost: {
      step: fixedCost(tableau),
      reverse: reverseCost(tableau),
      extend: denseStages?.c.length ?? 0,
    },
    record: (attrs, problem) => ({
      step:
        implicit === undefined
          ? recordStep(tableau, attrs, problem, measured)
          : recordImplicitStep(tableau, attrs, measured),
      dense: recordDense(tableau, problem),
      observe: (count) => recordObserve(tableau, problem, count),
      ...(denseStages !== undefined && { extend: recordExtend(tableau, problem, denseStages) }),
    }),
  };
}

/**
 * Once a step was rejected, its estimate is filtered twice until one stands, as in RADAU5: it may have been rejected for
 * the stiff part of its error alone, which the method damps.
 */
function refiningCourse(kind: StepKind, refined: StepKind): Course {
  let rejected = false;
  return {
    begin: () => {},
    plan: () => ({ kind: rejected ? refined : kind, coefficients: [] }),
    judged: (_h, _errors, stands) => {
      rejected = !stands;
      return undefined;
    },
  };
}

function courseOf(tableau: Tableau): () => Course {
  const { implicit } = tableau;
  const kind = rungeKuttaStep(tableau);
  if (implicit?.kind === 'coupled' && implicit.startWeight !== undefined) {
    const again = { ...tableau, implicit: { ...implicit, refined: true } };
    const refined = rungeKuttaStep(again, 'step after a rejected one');
    return () => refiningCourse(kind, refined);
  }
  const planned = { kind, coefficients: [] };
  return () => ({ begin: () => {}, plan: () => planned, judged: () => undefined });
}

const known = new WeakMap<Tableau, Method>();

/** The method that a tableau describes. */
export function rungeKutta(tableau: Tableau): Method {
  let method = known.get(tableau);
  if (method === undefined) {
    const { name, order, error, errorOrder, fsal, implicit, controller } = tableau;
    method = {
      name,
      order,
      ...(error !== undefined && errorOrder !== undefined && { errorOrder }),
      memory: fsal ? 1 : 0,
      ...(fsal && { start: 'field' }),
      implicit: implicit !== undefined,
      ...(controller !== undefined && { controller }),
      tableau,
      course: courseOf(tableau),
    };
    known.set(tableau, method);
  }
  return method;
}

/** The method of a solver, which may be given by its tableau alone. */
export function methodOf(solver: Solver): Method {
  return 'method' in solver ? solver.method : rungeKutta(solver.tableau);
}
