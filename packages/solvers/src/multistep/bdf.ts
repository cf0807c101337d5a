/**
 * `bdf()`: backward differentiation formulas of variable step and order, for stiff fields. The formulas of orders 1 to 4
 * are Shampine's numerical differentiation formulas, with a smaller error for a little of the stability (Shampine,
 * Reichelt, "The MATLAB ODE Suite", SIAM J. Sci. Comput. 18, 1997, section 2); steps may differ in length, the leading
 * coefficient does not follow them (bdf-step.ts).
 */
import type { Course, Method, PlannedStep } from '../method.ts';
import { lazily } from '../step-graphs.ts';
import type { AdaptiveSolver } from '../tableau.ts';
import { bdfEqualisation, bdfRows, firstRows, firstEqualisation, leading } from './bdf-rows.ts';
import { bdfKind, flattenBdfRows } from './bdf-step.ts';
import { maxOrderOf, type OrderOptions } from './max-order.ts';
import { kindsByOrder, type Trial } from './order-kinds.ts';
import { type Nodes, StepGrid } from './step-grid.ts';

/** Values kept beyond those of the highest order, for such as lie too close to another. */
const spare = 2;

/** The least and the most that a step changes by at once. */
const [shrinkage, growth] = [0.2, 3];
const safety = 0.7;

/** Above this rate of Newton's iteration, the next step takes a new Jacobian: a step solves only one system, so it is dear. */
const slowRate = 0.02;

const kindOf = kindsByOrder((order, raises, given) => {
  const estimates = 1 + Math.min(order - 1, 1) + Number(raises);
  const weight = 1 / leading[order];
  const name = `order ${order}, ${given} values`;
  return bdfKind({ name, given, first: false, weight, estimates, degree: order });
});

/** From a value and its derivative, of order 1. */
const firstKind = bdfKind({
  name: 'first',
  given: 1,
  first: true,
  weight: 1 / leading[1],
  estimates: 1,
  degree: 1,
});

class BdfCourse implements Course {
  readonly #maxOrder: number;
  readonly #grid: StepGrid;
  #order = 1;
  /** Steps of one length and order so far. */
  #equal = 0;
  #previous = 0;
  #failures = 0;
  #trial: Trial | undefined;
  #key = '';

  constructor(maxOrder: number) {
    this.#maxOrder = maxOrder;
    this.#grid = new StepGrid(maxOrder + 2 + spare, 0.05);
  }

  begin(t: number): void {
    this.#grid.begin(t);
    this.#order = 1;
    this.#equal = 0;
    this.#failures = 0;
  }

  plan(t: number, h: number): PlannedStep {
    this.#grid.correct(t);
    const wanted = Math.min(this.#order + 2, this.#maxOrder + 1);
    const nodes = this.#grid.nodes(h, wanted);
    const key = `${this.#order}: ${nodes.at.join()}`;
    if (this.#trial === undefined || key !== this.#key) {
      this.#trial = this.#planned(nodes);
      this.#key = key;
    }
    return this.#trial.planned;
  }

  #planned(nodes: Nodes): Trial {
    const order = Math.max(1, Math.min(this.#order, nodes.at.length - 1));
    const newtonWeight = 1 / leading[order];
    if (nodes.at.length === 1) {
      const planned = {
        kind: firstKind,
        coefficients: flattenBdfRows(firstRows),
        newtonWeight,
      };
      return {
        order,
        raises: false,
        planned,
        equalised: firstEqualisation,
      };
    }
    const raises = nodes.at.length > order + 1 && order < this.#maxOrder;
    const given = nodes.places.at(-1) as number;
    const kind = kindOf(order, raises, given);
    const coefficients = flattenBdfRows(bdfRows(order, raises, nodes, given));
    const known = nodes.at.slice(0, order + 1);
    const equalised = bdfEqualisation(order, known);
    return { order, raises, planned: { kind, coefficients, newtonWeight }, equalised };
  }

  judged(h: number, [error, ...others]: readonly number[], stands: boolean): number {
    const { order, raises, equalised } = this.#trial as Trial;
    const tried = Math.abs(h);
    this.#order = order;
    if (!stands) return this.#failed(tried, error);
    this.#failures = 0;
    this.#grid.advance(h);
    this.#equal = Math.abs(h / this.#previous - 1) < 1e-6 ? this.#equal + 1 : 1;
    this.#previous = h;
    if (this.#equal <= order) return tried;
    const candidates = [
      { order, error: error * equalised },
      ...(order > 1 ? [{ order: order - 1, error: others[0] }] : []),
      ...(raises ? [{ order: order + 1, error: others.at(-1) as number }] : []),
    ].map(({ order, error }) => ({ order, factor: safety * error ** (-1 / (order + 1)) }));
    const best = candidates.reduce((a, b) => (b.factor > a.factor ? b : a));
    this.#order = best.order;
    this.#equal = 0;
    return tried * Math.min(growth, best.factor);
  }

  #failed(tried: number, error: number): number {
    this.#equal = 0;
    this.#failures++;
    // Newton's iteration failed, or the field did.
    if (!Number.isFinite(error)) return tried / 2;
    const factor = safety * error ** (-1 / (this.#order + 1));
    if (this.#failures >= 3) this.#order = 1;
    return tried * Math.max(shrinkage, Math.min(safety, factor));
  }
}

const solvers = lazily((maxOrder: number): AdaptiveSolver => {
  const method: Method = {
    name: 'bdf',
    order: maxOrder,
    errorOrder: 1,
    memory: maxOrder + 1 + spare,
    start: 'field',
    implicit: true,
    slowRate,
    choosesLengths: true,
    course: () => new BdfCourse(maxOrder),
  };
  return { kind: 'adaptive', method };
});

/**
 * Backward differentiation formulas of variable step and order, 1 to `maxOrder` (1 to 5, the default), for stiff fields
 * that are dear to evaluate: one system a step. Orders 1 and 2 are A-stable, the others A(α)-stable with α = 80° (3), 66°
 * (4) and 51° (5): where eigenvalues lie near the imaginary axis, pass `{ maxOrder: 2 }`, or take `radau5()`.
 *
 * @throws ArgumentError for a `maxOrder` that is none of these
 */
export function bdf(options: OrderOptions = {}): AdaptiveSolver {
  return solvers(maxOrderOf(options, 5, 'bdf'));
}
