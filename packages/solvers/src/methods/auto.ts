/**
 * Automatic switching between an explicit and an implicit method, as stiffness comes and goes.
 *
 * Explicit steps tell h ρ from their stages, and are left when it has been near the end of the stability interval for
 * several steps: then stability holds the step, and no longer accuracy (Shampine 1977; Hairer, Wanner II, section IV.2, and
 * the code DOPRI5, whose counts these are but for the shorter patience). Implicit steps tell it from their Jacobian, and are
 * left when they have been well inside that interval (Petzold, "Automatic selection of methods for solving stiff and
 * nonstiff systems of ordinary differential equations", SIAM J. Sci. Stat. Comput. 4, 1983). Between the two limits nothing
 * changes, so that no solve goes back and forth.
 */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from '../call.ts';
import type { Course, Method, PlannedStep, StepKind } from '../method.ts';
import { requireKnownOptions } from '../option-names.ts';
import { rungeKuttaStep } from '../runge-kutta.ts';
import { measuresStiffness, stabilityInterval } from '../stiffness.ts';
import type { AdaptiveRungeKutta, AdaptiveSolver, Tableau } from '../tableau.ts';
import { kvaerno5 } from './kvaerno.ts';
import { tsit5 } from './tsit5.ts';

export interface AutoOptions {
  /** The explicit method: one whose last two stages are at the end of the step. Default `tsit5()`. */
  readonly nonstiff?: AdaptiveRungeKutta;
  /** The implicit method, with dense systems. Default `kvaerno5()`. */
  readonly stiff?: AdaptiveRungeKutta;
}

/** Near the end of the stability interval: so many times its length. */
const near = 0.9;
/** Well inside of it. */
const inside = 0.5;
/** Steps near the end before implicit ones take over. */
const patience = 8;
/** Steps not near the end after which those near it are forgotten (DOPRI5). */
const forgiveness = 6;
/** Steps well inside before explicit ones take over. */
const relief = 4;

/** A method in two forms of its step: given its first stage by the step before, and without. */
interface Kinds {
  readonly given: StepKind;
  readonly alone: StepKind;
}

function kindsOf(tableau: Tableau, errorOrder: number): Kinds {
  const { name, fsal, errorOrder: own = errorOrder } = tableau;
  const order = own === errorOrder ? {} : { errorOrder: own };
  const given = { ...rungeKuttaStep(tableau, name, true), ...order };
  if (!fsal) return { given, alone: given };
  const first = rungeKuttaStep({ ...tableau, fsal: false }, `${name}, first`, true);
  return { given, alone: { ...first, ...order, leaves: [first.fresh - 1] } };
}

class AutoCourse implements Course {
  readonly #explicit: Kinds;
  readonly #implicit: Kinds;
  readonly #interval: number;
  #stiff = false;
  /** Whether the memory holds f where the state stands. */
  #held = false;
  #latest: StepKind;
  /** Latest steps on the other side of the limit, and on this side since. */
  #across = 0;
  #within = 0;

  constructor(explicit: Kinds, implicit: Kinds, interval: number) {
    this.#explicit = explicit;
    this.#implicit = implicit;
    this.#interval = interval;
    this.#latest = explicit.given;
  }

  begin(): void {
    this.#held = true;
  }

  plan(): PlannedStep {
    const kinds = this.#stiff ? this.#implicit : this.#explicit;
    this.#latest = this.#held ? kinds.given : kinds.alone;
    return { kind: this.#latest, coefficients: [] };
  }

  judged(_h: number, [, stiffness]: readonly number[], stands: boolean): undefined {
    if (!stands) return;
    this.#held = this.#latest.leaves.length > 0;
    const share = stiffness / this.#interval;
    if (this.#stiff ? share < inside : share > near) {
      this.#across++;
      this.#within = 0;
    } else if (++this.#within >= (this.#stiff ? 1 : forgiveness)) {
      this.#across = 0;
    }
    if (this.#across < (this.#stiff ? relief : patience)) return;
    this.#stiff = !this.#stiff;
    this.#across = 0;
    this.#within = 0;
  }
}

function autoMethod(nonstiff: Tableau, stiff: Tableau): Method {
  const errorOrder = nonstiff.errorOrder as number;
  const explicit = kindsOf(nonstiff, errorOrder);
  const implicit = kindsOf(stiff, errorOrder);
  const interval = stabilityInterval(nonstiff);
  const remembers = nonstiff.fsal || stiff.fsal;
  return {
    name: `auto(${nonstiff.name}, ${stiff.name})`,
    order: Math.min(nonstiff.order, stiff.order),
    errorOrder,
    memory: remembers ? 1 : 0,
    ...(remembers && { start: 'field' }),
    implicit: true,
    course: () => new AutoCourse(explicit, implicit, interval),
  };
}

function refuse(what: string, got: string, expected: string): never {
  throw new ArgumentError({ what: `auto: ${what}`, got, expected });
}

function requireTableau(solver: unknown, what: string, expected: string): Tableau {
  const { kind, tableau } = (solver ?? {}) as Partial<AdaptiveRungeKutta>;
  if (kind === 'adaptive' && tableau?.errorOrder !== undefined) return tableau;
  return refuse(
    `${what} must be an adaptive Runge-Kutta method`,
    tableau?.name ?? shown(solver),
    expected,
  );
}

/**
 * Explicit steps where the field is not stiff and implicit ones where it is, decided as the solve goes. `stats.switches`
 * and `stats.implicitSteps` tell what it did.
 *
 * @throws ArgumentError for a pair that cannot tell stiffness
 */
export function auto(options: AutoOptions = {}): AdaptiveSolver {
  requireKnownOptions(options, ['nonstiff', 'stiff'], 'auto');
  const { nonstiff = tsit5(), stiff = kvaerno5() } = options;
  const explicit = requireTableau(nonstiff, 'nonstiff', 'tsit5() or dopri5()');
  const implicit = requireTableau(stiff, 'stiff', 'kvaerno5(), rodas4() or radau5()');
  if (!measuresStiffness(explicit)) {
    refuse(
      'nonstiff must have its last two stages at the end of the step',
      explicit.name,
      'tsit5() or dopri5()',
    );
  }
  if (implicit.implicit === undefined || implicit.implicit.linearSolver !== undefined) {
    const got = implicit.implicit === undefined ? implicit.name : `${implicit.name} with gmres()`;
    refuse(
      'stiff must be implicit, with dense systems, whose Jacobian tells the stiffness',
      got,
      'kvaerno5(), rodas4() or radau5()',
    );
  }
  return { kind: 'adaptive', method: autoMethod(explicit, implicit) };
}
