/**
 * Adams-Bashforth and Adams-Bashforth-Moulton methods in fixed steps (Hairer, Nørsett, Wanner I, section III.1), on any
 * grid: a shortened step changes the coefficients, not the order. They begin with one-step methods of the same order
 * (picard.ts), as often as it takes to have slopes enough.
 */
import { ArgumentError } from '@neuralode/tensor';
import type { Course, Method, PlannedStep, StepKind } from '../method.ts';
import { collocationInterpolant } from '../methods/collocation.ts';
import { rungeKuttaStep } from '../runge-kutta.ts';
import { lazily } from '../step-graphs.ts';
import type { FixedStepSolver } from '../tableau.ts';
import { type AdamsRows, adamsKind, flattenRows } from './adams-step.ts';
import { adamsWeights } from './adams-weights.ts';
import { picardTableau } from './picard.ts';
import { placed, transposed } from './placed-rows.ts';
import { type Nodes, StepGrid } from './step-grid.ts';

/** Slopes kept beyond the order, for such as lie too close to another. */
const spare = 2;

/** Rows of a step of order `order` with the slopes at `nodes`: as many. */
function rowsOf(order: number, corrects: boolean, nodes: Nodes): AdamsRows {
  const given = (nodes.places.at(-1) as number) + 1;
  const predicted = adamsWeights(nodes.at);
  if (!corrects) {
    const dense = transposed(collocationInterpolant(nodes.at));
    return {
      predict: placed(nodes, given, predicted, [0]),
      errors: [],
      dense: dense.map((row) => placed(nodes, given, row, [0])),
    };
  }
  const corrector = [1, ...nodes.at.slice(0, order - 1)];
  const row = ([end, ...old]: readonly number[]) => placed(nodes, given, old, [end, 0]);
  return {
    predict: placed(nodes, given, predicted, [0, 0]),
    correct: row(adamsWeights(corrector)),
    errors: [],
    dense: transposed(collocationInterpolant(corrector)).map(row),
  };
}

class FixedCourse implements Course {
  readonly #order: number;
  readonly #corrects: boolean;
  readonly #kinds: Kinds;
  readonly #grid: StepGrid;
  #latest: { readonly key: string; readonly planned: PlannedStep } | undefined;

  constructor(order: number, corrects: boolean, kinds: Kinds) {
    this.#order = order;
    this.#corrects = corrects;
    this.#kinds = kinds;
    this.#grid = new StepGrid(order + spare, 0.02);
  }

  begin(t: number): void {
    this.#grid.begin(t);
  }

  plan(t: number, h: number): PlannedStep {
    this.#grid.correct(t);
    const nodes = this.#grid.nodes(h, this.#order);
    if (nodes.at.length < this.#order) return { kind: this.#kinds.start, coefficients: [] };
    const key = nodes.at.join();
    if (this.#latest?.key !== key) {
      const kind = this.#kinds.of((nodes.places.at(-1) as number) + 1);
      const coefficients = flattenRows(rowsOf(this.#order, this.#corrects, nodes));
      this.#latest = { key, planned: { kind, coefficients } };
    }
    return this.#latest.planned;
  }

  judged(h: number): undefined {
    this.#grid.advance(h);
  }
}

interface Kinds {
  readonly start: StepKind;
  /** With so many slopes given. */
  readonly of: (given: number) => StepKind;
}

function solverOf(name: string, order: number, corrects: boolean): FixedStepSolver {
  const kinds: Kinds = {
    start: rungeKuttaStep(picardTableau(order), 'start-up'),
    of: lazily((given: number) =>
      adamsKind({ name: `${given} slopes`, given, corrects, estimates: 0, degree: order }),
    ),
  };
  const method: Method = {
    name,
    order,
    memory: order + spare,
    start: 'field',
    implicit: false,
    course: () => new FixedCourse(order, corrects, kinds),
  };
  return { kind: 'fixed', method };
}

const bashforths = lazily((order: number) => solverOf(`adamsBashforth${order}`, order, false));
const moultons = lazily((order: number) => solverOf(`adamsBashforthMoulton${order}`, order, true));

function requireOrder(order: unknown, who: string): void {
  if (Number.isInteger(order) && (order as number) >= 1 && (order as number) <= 12) return;
  throw new ArgumentError({
    what: `${who}: the order must be a whole number from 1 to 12`,
    got: String(order),
  });
}

/**
 * The explicit Adams-Bashforth method of this order, 1 to 12: one evaluation a step, of fixed length. Its first steps are
 * `order − 1` of a one-step method of the same order.
 *
 * Its stability interval shrinks fast with the order: h λ in (−2, 0) for order 1, (−6/11, 0) for 3, (−3/10, 0) for 4.
 *
 * @throws ArgumentError for any other order
 */
export function adamsBashforth(order: number): FixedStepSolver {
  requireOrder(order, 'adamsBashforth');
  return bashforths(order);
}

/**
 * The Adams-Bashforth-Moulton method of this order, 1 to 12, in PECE form: predicts with the Adams-Bashforth method of
 * this order, evaluates, corrects with the Adams-Moulton method of this order, and evaluates again. Two evaluations a
 * step, of fixed length. Its first steps are `order − 1` of a one-step method of the same order.
 *
 * @throws ArgumentError for any other order
 */
export function adamsBashforthMoulton(order: number): FixedStepSolver {
  requireOrder(order, 'adamsBashforthMoulton');
  return moultons(order);
}
