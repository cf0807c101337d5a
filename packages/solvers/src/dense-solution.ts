/**
 * A solution that can be evaluated anywhere: the steps of an eager solve, each with its state and its stages.
 *
 * Inside a recorded function the steps are captured like any tensor; a time given as a tensor finds its step on the
 * device, so that the value can be differentiated by it.
 */
import {
  ArgumentError,
  disposeTree,
  type DType,
  full,
  type Graph,
  gather,
  inline,
  minimum,
  stack,
  Tensor,
  tensor,
  where,
} from '@neuralode/tensor';
import { requireSteps, requireTimesAsked, stepHolding } from './step-index.ts';

interface DenseStep {
  /** The interpolant; steps of one kind share it. */
  readonly dense: Graph;
  readonly start: number;
  readonly end: number;
  readonly h: number;
  /** The state before it, then its stages. */
  readonly tensors: readonly Tensor[];
}

/** The steps' times as tensors, for finding a step on the device. */
interface StepTable {
  readonly starts: Tensor;
  readonly lengths: Tensor;
  /** Times the direction, so that they increase. */
  readonly ends: Tensor;
  readonly last: Tensor;
  readonly kinds: readonly KindOfStep[];
}

/** The steps of one kind among all. */
interface KindOfStep {
  readonly dense: Graph;
  readonly steps: readonly DenseStep[];
  /** For each step of the solution: 1 where it is one of these. */
  readonly members: Tensor;
  /** And which of these it is; 0 where it is none. */
  readonly places: Tensor;
}

export class DenseSolution {
  readonly #steps: readonly DenseStep[];
  readonly #ends: readonly number[];
  readonly #from: number;
  readonly #direction: 1 | -1;
  #table: StepTable | undefined;

  constructor(steps: readonly DenseStep[], from: number, direction: 1 | -1) {
    this.#steps = steps;
    this.#ends = steps.map(({ end }) => end);
    this.#from = from;
    this.#direction = direction;
  }

  get #dtype(): DType {
    return this.#steps[0].dense.inputs[0].dtype as DType;
  }

  /** The leaves of the state at `ts`: [...] for a number or a scalar tensor, [N, …] for a list. Records. */
  leavesAt(ts: number | readonly number[] | Tensor): Tensor[] {
    requireSteps(this.#steps.length, 'odeint, at');
    if (ts instanceof Tensor) return this.#atTensor(ts);
    const asked = requireTimesAsked(ts, 'odeint, at');
    if (typeof asked === 'number') return this.#atNumber(asked);
    if (asked.length === 0)
      throw new ArgumentError({ what: 'odeint, at: the list of times is empty' });
    const rows = asked.map((t) => this.#atNumber(t));
    return rows[0].map((_, leaf) => stack(rows.map((row) => row[leaf])));
  }

  #atNumber(t: number): Tensor[] {
    const place = stepHolding(t, this.#from, this.#ends, this.#direction, 'odeint, at');
    const { dense, start, h, tensors } = this.#steps[place];
    const scalar = (value: number): Tensor => full([], value, { dtype: this.#dtype });
    return inline(dense, [scalar((t - start) / h), scalar(h), ...tensors]);
  }

  /** Before the first and after the last step, those are continued. */
  #atTensor(given: Tensor): Tensor[] {
    if (given.rank !== 0) {
      throw new ArgumentError({
        what: 'odeint, at: a time that is a tensor must be a scalar',
        got: String(given),
        remedy: 'Pass a list of numbers, or call at(t) for each',
      });
    }
    const t = given.cast(this.#dtype);
    const table = this.#madeTable();
    // The last step's end does not count: what lies beyond belongs to it too.
    const passed = table.ends.less(t.mul(this.#direction)).cast('int32').sum();
    const place = minimum(passed, table.last).reshape([1]);
    const pick = (rows: Tensor): Tensor => gather(rows, place).at(0);
    const h = pick(table.lengths);
    const theta = t.sub(pick(table.starts)).div(h);
    // Steps of different kinds keep different things: each kind is asked, and the one that the time falls in counts.
    const answers = table.kinds.map(({ steps, dense, places }) => {
      const within = gather(places, place);
      const picked = steps[0].tensors.map((_, i) =>
        gather(stack(steps.map(({ tensors }) => tensors[i])), within).at(0),
      );
      return inline(dense, [theta, h, ...picked]);
    });
    return answers.reduce((chosen, leaves, k) => {
      const counts = pick(table.kinds[k].members).greater(0);
      return leaves.map((leaf, l) => where(counts, leaf, chosen[l]));
    });
  }

  /** Kept, since a tensor made while recording would otherwise be nobody's to free. */
  #madeTable(): StepTable {
    const numbers = (values: readonly number[]): Tensor =>
      tensor([...values], { dtype: this.#dtype });
    this.#table ??= {
      starts: numbers(this.#steps.map(({ start }) => start)),
      lengths: numbers(this.#steps.map(({ h }) => h)),
      ends: numbers(this.#ends.map((end) => end * this.#direction)),
      last: tensor(this.#steps.length - 1, { dtype: 'int32' }),
      kinds: [...new Set(this.#steps.map(({ dense }) => dense))].map((dense) => {
        const steps = this.#steps.filter((step) => step.dense === dense);
        const places = this.#steps.map((step) => steps.indexOf(step));
        return {
          dense,
          steps,
          members: numbers(places.map((each) => (each < 0 ? 0 : 1))),
          places: tensor(
            places.map((each) => Math.max(0, each)),
            { dtype: 'int32' },
          ),
        };
      }),
    };
    return this.#table;
  }

  dispose(): void {
    if (this.#table !== undefined) {
      const { kinds, ...rest } = this.#table;
      disposeTree([rest, kinds.map(({ members, places }) => [members, places])]);
    }
    this.#table = undefined;
    for (const { tensors } of this.#steps) for (const each of tensors) each.dispose();
  }
}
