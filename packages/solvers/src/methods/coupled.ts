/**
 * A reversible method out of any explicit Runge-Kutta method, by coupling two solutions (McCallum, Foster 2024,
 * "Efficient, accurate and stable gradients for neural ODEs", arXiv 2410.11648, section 3): beside y it carries z, which
 * begins as y₀. With Ψₕ(t, y), the base method's increment over h from (t, y),
 *
 *     y₁ = λ y + (1 − λ) z + Ψₕ(t, z),  z₁ = z − Ψ₋ₕ(t + h, y₁).
 *
 * Its order is that of the base. The step is undone by solving the second line for z, and then the first for y.
 */
import { clean } from '@neuralode/autodiff';
import { ArgumentError, record, type Tensor } from '@neuralode/tensor';
import type { ReversibleMethod, StepKind } from '../method.ts';
import { requireKnownOptions } from '../option-names.ts';
import { combine, sizeOfStepErrors } from '../step-arithmetic.ts';
import type {
  AdaptiveSolver,
  FixedStepSolver,
  ReversibleAdaptiveSolver,
  ReversibleFixedStepSolver,
  Solver,
  Tableau,
} from '../tableau.ts';
import {
  alwaysPlans,
  type Group,
  plus,
  recordInterpolant,
  recordOnGroups,
  type StandIns,
} from './reversible-step.ts';

/** Settings of `coupled`. */
export interface CoupledOptions {
  /**
   * λ, above 0 and at most 1: how much of y is left to itself. What z and y differ by grows from step to step where the
   * field contracts, unless 1 − λ holds it down; and undoing n steps multiplies rounding by λ⁻ⁿ. Default 0.99.
   */
  readonly coupling?: number;
}

/** The stages over h from (t, y), of which the last is left out where y₁ does not depend on it and no error is asked for. */
function stagesOf(
  { c, a, b }: Tableau,
  { field }: StandIns,
  t: Tensor,
  h: Tensor,
  y: Group,
  all: boolean,
): Tensor[][] {
  const stages: Tensor[][] = [];
  const count = all || b.at(-1) !== 0 ? c.length : c.length - 1;
  for (let i = 0; i < count; i++) {
    const point = i === 0 ? y : y.map((leaf, l) => leaf.add(combine(a[i], stages, l).mul(h)));
    stages.push(field(c[i] === 0 ? t : t.add(h.mul(c[i])), point));
  }
  return stages;
}

function weighted(weights: readonly number[], stages: readonly Tensor[][]): Tensor[] {
  return stages[0].map((_, l) => combine(weights.slice(0, stages.length), stages, l));
}

function kindOf(tableau: Tableau, coupling: number): StepKind {
  const { b, error } = tableau;
  const bare = b.at(-1) === 0 ? b.length - 1 : b.length;
  const cost = (first: number) => ({ evaluations: first + bare, jacobians: 0, factorisations: 0 });
  return {
    name: 'step',
    given: 1,
    // z₁; and for the interpolant y₁ and the slopes at both ends.
    fresh: 4,
    leaves: [0],
    further: 0,
    coefficients: 0,
    implicit: false,
    cost: { step: cost(error ? b.length : bare), reverse: cost(bare), extend: 0 },
    record: ({ control, steered }, problem) => ({
      step: recordOnGroups(problem, 1, (given) => {
        const { t, h, y, groups } = given;
        const [z] = groups;
        const measured = control.kind === 'adaptive' && error !== undefined;
        const stages = stagesOf(tableau, given, t, h, z, measured);
        const mixed = y.map((leaf, l) => leaf.mul(coupling).add(z[l].mul(1 - coupling)));
        const y1 = plus(mixed, weighted(b, stages), h);
        const back = stagesOf(tableau, given, t.add(h), h.neg(), y1, false);
        const z1 = plus(z, weighted(b, back), h);
        const outputs = [...y1, ...z1, ...y1, ...stages[0], ...back[0]];
        if (!measured) return outputs;
        const errors = weighted(error, stages).map((each) => each.mul(h));
        return [...outputs, sizeOfStepErrors(control, steered, y, y1, errors)];
      }),
      // The cubic through both states with the slopes there (hermite.ts).
      dense: recordInterpolant(problem, 5, (theta, h, y, [, , y1, first, last]) => {
        const bend = theta.square().mul(theta.neg().add(1)).mul(h).neg();
        const rise = theta.square().mul(theta.mul(-2).add(3));
        const start = theta.neg().add(1).square().mul(theta).mul(h);
        const between = y.map((leaf, l) => leaf.add(y1[l].sub(leaf).mul(rise)));
        return plus(plus(between, first, start), last, bend);
      }),
      reverse: recordOnGroups(problem, 1, (given) => {
        const { t, h, y: y1, groups } = given;
        const [z1] = groups;
        const back = stagesOf(tableau, given, t.add(h), h.neg(), y1, false);
        const z = plus(z1, weighted(b, back), h.neg());
        const increment = weighted(b, stagesOf(tableau, given, t, h, z, false));
        const y = y1.map((leaf, l) =>
          leaf
            .sub(z[l].mul(1 - coupling))
            .sub(increment[l].mul(h))
            .mul(1 / coupling),
        );
        return [...y, ...z];
      }),
    }),
  };
}

function methodOf(tableau: Tableau, coupling: number, adaptive: boolean): ReversibleMethod {
  const { name, order, errorOrder, controller } = tableau;
  return {
    name: `coupled ${name}`,
    order,
    ...(adaptive && { errorOrder }),
    ...(adaptive && controller && { controller }),
    memory: 1,
    start({ state, args, scalar }) {
      const recording = record([scalar, ...state, ...args], (_t, ...stand) =>
        stand.slice(0, state.length),
      );
      return clean(recording.graph);
    },
    startEvaluations: 0,
    implicit: false,
    reversible: true,
    course: alwaysPlans(kindOf(tableau, coupling)),
  };
}

function explicitTableau(base: Solver): Tableau {
  if ('tableau' in base && base.tableau.implicit === undefined) return base.tableau;
  throw new ArgumentError({
    what: 'coupled: the base is no explicit Runge-Kutta method',
    got: 'tableau' in base ? base.tableau.name : base.method.name,
    remedy: 'Pass one such as dopri5() or rk4()',
  });
}

/**
 * A reversible method of the order of `base`, at twice its evaluations: adaptive where the base is, its steps can be undone.
 * Unlike `alf` and `reversibleHeun` it stays stable where a field contracts.
 *
 * @throws ArgumentError if the base is no explicit Runge-Kutta method, or the coupling not above 0 and at most 1
 */
export function coupled(base: FixedStepSolver, options?: CoupledOptions): ReversibleFixedStepSolver;
export function coupled(base: AdaptiveSolver, options?: CoupledOptions): ReversibleAdaptiveSolver;
export function coupled(
  base: Solver,
  { coupling = 0.99, ...others }: CoupledOptions = {},
): ReversibleFixedStepSolver | ReversibleAdaptiveSolver {
  requireKnownOptions(others, ['coupling'], 'coupled');
  if (!(coupling > 0 && coupling <= 1)) {
    throw new ArgumentError({
      what: 'coupled: the coupling must lie above 0, where a step cannot be undone, and at most be 1',
      got: String(coupling),
    });
  }
  const adaptive = base.kind === 'adaptive';
  const method = methodOf(explicitTableau(base), coupling, adaptive);
  return { kind: base.kind, method } as ReversibleFixedStepSolver | ReversibleAdaptiveSolver;
}
