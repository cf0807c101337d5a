/**
 * `adams()`: Adams methods of variable step and order in PECE form, after Shampine and Gordon, "Computer Solution of
 * Ordinary Differential Equations" (1975): predict with order k, correct with order k + 1 (local extrapolation), and
 * choose k and h from estimates of the error that the neighbouring orders would have made.
 *
 * Their code keeps modified divided differences up to date; here the slopes themselves are kept, and the weights follow
 * from the times of the steps (Hairer, Nørsett, Wanner I, section III.5), so that a step is one matrix product.
 */
import type { Course, Method, PlannedStep } from '../method.ts';
import { lazily } from '../step-graphs.ts';
import type { AdaptiveSolver } from '../tableau.ts';
import { adamsRows, equalisation } from './adams-rows.ts';
import { adamsKind, flattenRows } from './adams-step.ts';
import { maxOrderOf, type OrderOptions } from './max-order.ts';
import { kindsByOrder, type Trial } from './order-kinds.ts';
import { StepGrid } from './step-grid.ts';

/** Slopes kept beyond the highest order, for such as lie too close to another. */
const spare = 2;

const kindOf = kindsByOrder((order, raises, given) => {
  const estimates = 1 + Math.min(order - 1, 2) + Number(raises);
  const name = `order ${order}, ${given} slopes`;
  return adamsKind({ name, given, corrects: true, estimates, degree: order + 1 });
});

class VariableCourse implements Course {
  readonly #maxOrder: number;
  readonly #grid: StepGrid;
  #order = 1;
  /** Steps of one length and order so far. */
  #equal = 0;
  #previous = 0;
  /** Until the first sign that it is enough, the order is raised and the step doubled every time. */
  #starting = true;
  #failures = 0;
  #trial: Trial | undefined;
  #key = '';

  constructor(maxOrder: number) {
    this.#maxOrder = maxOrder;
    this.#grid = new StepGrid(maxOrder + 1 + spare, 0.02);
  }

  begin(t: number): void {
    this.#grid.begin(t);
    this.#order = 1;
    this.#equal = 0;
    this.#starting = true;
    this.#failures = 0;
  }

  plan(t: number, h: number): PlannedStep {
    this.#grid.correct(t);
    const nodes = this.#grid.nodes(h, Math.min(this.#order, this.#maxOrder - 1) + 1);
    const order = Math.min(this.#order, nodes.at.length);
    const key = `${order}: ${nodes.at.join()}`;
    if (this.#trial === undefined || key !== this.#key) {
      const raises = nodes.at.length > order;
      const given = (nodes.places.at(-1) as number) + 1;
      const kind = kindOf(order, raises, given);
      const rows = adamsRows(order, raises, nodes, given);
      const planned = { kind, coefficients: flattenRows(rows) };
      const equalised = equalisation(rows, nodes.at.slice(0, order));
      this.#trial = { order, raises, planned, equalised };
      this.#key = key;
    }
    return this.#trial.planned;
  }

  judged(h: number, [error, ...others]: readonly number[], stands: boolean): number {
    const { order, raises, equalised } = this.#trial as Trial;
    const own = error * equalised;
    const below = order > 1 ? others[0] : Number.POSITIVE_INFINITY;
    const twoBelow = order > 2 ? others[1] : 0;
    const above = raises ? (others.at(-1) as number) : Number.POSITIVE_INFINITY;
    const lower = order > 2 ? Math.max(below, twoBelow) <= own : below <= own / 2;
    this.#order = lower ? order - 1 : order;
    if (!stands) return this.#failed(Math.abs(h), lower ? below : own);
    this.#failures = 0;
    this.#grid.advance(h);
    this.#equal = Math.abs(h / this.#previous - 1) < 1e-6 ? this.#equal + 1 : 1;
    this.#previous = h;
    if (lower || order === this.#maxOrder) this.#starting = false;
    return this.#next(Math.abs(h), { order, own, below, above, lower });
  }

  #failed(tried: number, error: number): number {
    this.#starting = false;
    this.#equal = 0;
    this.#failures++;
    if (this.#failures >= 3) this.#order = 1;
    if (this.#failures === 1 || !Number.isFinite(error)) return tried / 2;
    return tried * Math.max(0.1, Math.min(0.5, Math.sqrt(0.5 / error)));
  }

  #next(tried: number, errors: Errors): number {
    const { order, below, own, above, lower } = errors;
    if (this.#starting) {
      this.#order = order + 1;
      return 2 * tried;
    }
    let error = lower ? below : own;
    if (!lower && this.#equal > order) {
      const rises = order === 1 ? above < own / 2 : above < own && below > above;
      if (order > 1 && below <= Math.min(own, above)) [this.#order, error] = [order - 1, below];
      else if (rises) [this.#order, error] = [order + 1, above];
    }
    const room = (0.5 / error) ** (1 / (this.#order + 1));
    if (room >= 2) return 2 * tried;
    return room >= 1 ? tried : tried * Math.max(0.5, Math.min(0.9, room));
  }
}

interface Errors {
  readonly order: number;
  /** Of this order and its neighbours, on equal steps; infinite where there is none. */
  readonly own: number;
  readonly below: number;
  readonly above: number;
  readonly lower: boolean;
}

const solvers = lazily((maxOrder: number): AdaptiveSolver => {
  const method: Method = {
    name: 'adams',
    order: maxOrder + 1,
    errorOrder: 1,
    memory: maxOrder + 1 + spare,
    start: 'field',
    implicit: false,
    choosesLengths: true,
    course: () => new VariableCourse(maxOrder),
  };
  return { kind: 'adaptive', method };
});

/**
 * Adams methods of variable step and order, for smooth fields that are not stiff and dear to evaluate, to tight
 * tolerances: two evaluations a step (predict, evaluate, correct, evaluate). Predicts with orders 1 to `maxOrder`
 * (1 to 12, the default), and is of one order more.
 *
 * @throws ArgumentError for a `maxOrder` that is none of these
 */
export function adams(options: OrderOptions = {}): AdaptiveSolver {
  return solvers(maxOrderOf(options, 12, 'adams'));
}
