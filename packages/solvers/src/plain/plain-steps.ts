/**
 * The arithmetic of a Runge-Kutta step on plain numbers: what the recorded step graphs are for tensors, from the same
 * tableaus. Which steps to take is not decided here.
 */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from '../call.ts';
import type { AdaptiveControl } from '../control.ts';
import { FieldError } from '../errors.ts';
import { methodOf } from '../runge-kutta.ts';
import { countInterpolated, type DenseStages, type Solver, type Tableau } from '../tableau.ts';
import { type SparseRow, sparseRow, type Vectors, weightedSum } from './weighted-sum.ts';

/** Writes dy/dt at (t, y) into `dy`, or returns it. */
export type VectorField = (
  t: number,
  y: Float64Array,
  dy: Float64Array,
) => ArrayLike<number> | undefined;

/** Whether all of `values` are finite. */
export function allFinite(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** The tableau of an explicit Runge-Kutta method; an ArgumentError in the name of `who` for any other. */
export function explicitTableau(solver: Solver, who: string): Tableau {
  const { name, tableau } = methodOf(solver);
  if (tableau !== undefined) {
    const { a, c, interpolant, implicit } = tableau;
    const explicit = a.length === c.length && a.every((row, i) => row.length <= i);
    const complete = interpolant.length === countInterpolated(tableau);
    if (implicit === undefined && explicit && complete) return tableau;
  }
  throw new ArgumentError({
    what: `${who}: ${name} is not an explicit Runge-Kutta method`,
    remedy: 'Pass another solver, such as dopri5(), or solve with odeint',
  });
}

function nameOf(value: unknown): string {
  return value === undefined ? 'nothing' : shown(value);
}

/** A FieldError on what a field returned. */
export function refuseValue(value: unknown, expected: string, who: string, remedy: string): never {
  if (value instanceof Promise) value.catch(() => {});
  throw new FieldError({
    what: `${who}: the field's value does not fit the state`,
    got: nameOf(value),
    expected,
    remedy,
  });
}

/** Hairer's combination of two estimates: E² / √(E² + 0.01 E′²); 0 where both are. */
function steady(fine: number, coarse: number): number {
  const both = Math.sqrt(fine * fine + 0.01 * coarse * coarse);
  return both === 0 ? 0 : fine * (fine / both);
}

/** A loop: for short states a call of `set` costs more than it copies. */
function copy(from: ArrayLike<number>, to: Float64Array): void {
  for (let i = 0; i < from.length; i++) to[i] = from[i];
}

/** A vector among the others of a solve. */
interface Place {
  readonly begin: number;
  /** A view of it. */
  readonly numbers: Float64Array;
}

export class PlainSteps {
  readonly #field: VectorField;
  readonly #tableau: Tableau;
  readonly #rows: readonly SparseRow[];
  readonly #b: SparseRow;
  readonly #error: SparseRow | undefined;
  readonly #coarseError: SparseRow | undefined;
  /** Of the stages that only the interpolant needs. */
  readonly #denseRows: readonly SparseRow[];
  /** Whether those of the latest step are there. */
  #extended = false;
  readonly #who: string;
  readonly #vectors: Vectors;
  #y: Place;
  #next: Place;
  /** The latest step's stages, and those that only the interpolant needs, once evaluated. */
  readonly k: Float64Array[];
  /** What the stages and the field are evaluated at: the field may do with it as it likes. */
  readonly #point: Place;
  readonly #scaled: Place;
  readonly #zeros: Place;
  nfe = 0;
  /** Whether the field returns its value, and so must always. */
  #returns = false;

  constructor(field: VectorField, y0: Float64Array, tableau: Tableau, who: string) {
    this.#field = field;
    this.#tableau = tableau;
    this.#who = who;
    const { length } = y0;
    const sparse = (row: readonly number[]): SparseRow => sparseRow(row, length);
    this.#rows = tableau.a.map(sparse);
    this.#b = sparse(tableau.b);
    this.#error = tableau.error && sparse(tableau.error);
    this.#coarseError = tableau.coarseError && sparse(tableau.coarseError);
    this.#denseRows = (tableau.denseStages?.a ?? []).map(sparse);
    const stages = countInterpolated(tableau);
    const values = new Float64Array((stages + 5) * length);
    const places = Array.from({ length: stages + 5 }, (_, i) => ({
      begin: i * length,
      numbers: values.subarray(i * length, (i + 1) * length),
    }));
    this.k = places.slice(0, stages).map(({ numbers }) => numbers);
    [this.#y, this.#next, this.#point, this.#scaled, this.#zeros] = places.slice(stages);
    this.#vectors = { values, length };
    this.y.set(y0);
  }

  /** The state where the latest step began, or where the solve stands. */
  get y(): Float64Array {
    return this.#y.numbers;
  }

  /** Where the latest step ended. */
  get next(): Float64Array {
    return this.#next.numbers;
  }

  /** f(t, y) into `out`. */
  #evaluate(t: number, y: Float64Array, out: Float64Array): void {
    const first = this.nfe++ === 0;
    if (first) out.fill(Number.NaN);
    const value = this.#field(t, y, out);
    if (value === out) return;
    if (value === undefined) {
      if (first) this.#requireWritten(out);
      else if (this.#returns) this.#refuse(undefined);
      return;
    }
    if (typeof value !== 'object' || value?.length !== out.length) this.#refuse(value);
    if (first) this.#requireNumbers(value);
    copy(value, out);
  }

  /** Looked at once: what is no number would be made one, or NaN, without a word. */
  #requireNumbers(value: ArrayLike<number>): void {
    this.#returns = true;
    if (Array.from(value).some((each) => typeof each !== 'number')) this.#refuse(value);
  }

  /** A field that forgets to return would else pass for one that writes, and the state stand still. */
  #requireWritten(out: Float64Array): void {
    if (this.#field.length < 3 && out.every(Number.isNaN)) this.#refuse(undefined);
  }

  #refuse(value: unknown): never {
    const remedy = 'Return dy/dt, as long as y, or write it into the third argument';
    refuseValue(value, `a list of ${this.y.length} numbers`, this.#who, remedy);
  }

  /** The first stage at the state as it stands. */
  start(t: number): void {
    const { numbers } = this.#point;
    numbers.set(this.y);
    this.#evaluate(t, numbers, this.k[0]);
  }

  /** A step from t over h: `next` and the stages. Where the method keeps its first stage, that is there already. */
  step(t: number, h: number): void {
    const { c, fsal } = this.#tableau;
    const rows = this.#rows;
    const vectors = this.#vectors;
    const y = this.#y.begin;
    const { begin, numbers } = this.#point;
    const last = c.length - 1;
    this.#extended = false;
    for (let i = fsal ? 1 : 0; i <= last; i++) {
      weightedSum(vectors, begin, y, h, rows[i]);
      if (fsal && i === last) copy(numbers, this.next);
      this.#evaluate(t + c[i] * h, numbers, this.k[i]);
    }
    if (!fsal) weightedSum(vectors, this.#next.begin, y, h, this.#b);
  }

  /** Evaluates the stages that only the interpolant needs, of the latest step, from t over h; before `accept`. */
  extend(t: number, h: number): void {
    if (this.#extended) return;
    this.#extended = true;
    const { c, denseStages } = this.#tableau;
    this.#denseRows.forEach((row, i) => {
      weightedSum(this.#vectors, this.#point.begin, this.#y.begin, h, row);
      const node = (denseStages as DenseStages).c[i];
      this.#evaluate(t + node * h, this.#point.numbers, this.k[c.length + i]);
    });
  }

  /** The size of the latest step's error in units of atol + rtol · max(|y|, |y₁|). */
  errorSize(
    h: number,
    { rtol, atol }: Pick<AdaptiveControl, 'rtol' | 'atol'>,
    norm: (values: Float64Array) => number,
  ): number {
    const fine = norm(this.#scaledSum(this.#error as SparseRow, h, rtol, atol));
    if (this.#coarseError === undefined) return fine;
    return steady(fine, norm(this.#scaledSum(this.#coarseError, h, rtol, atol)));
  }

  /** h Σ weightsᵢ kᵢ in those units, element by element. Borrowed. */
  #scaledSum(weights: SparseRow, h: number, rtol: number, atol: number): Float64Array {
    const { y, next } = this;
    const { begin, numbers: scaled } = this.#scaled;
    weightedSum(this.#vectors, begin, this.#zeros.begin, h, weights);
    for (let i = 0; i < scaled.length; i++) {
      scaled[i] /= atol + rtol * Math.max(Math.abs(y[i]), Math.abs(next[i]));
    }
    return scaled;
  }

  /** Moves on to where the latest step ended. */
  accept(): void {
    const y = this.#y;
    this.#y = this.#next;
    this.#next = y;
    if (this.#tableau.fsal) copy(this.k[this.#tableau.c.length - 1], this.k[0]);
  }

  /** `values` in units of atol + rtol |y|. Borrowed. */
  scaled(values: Float64Array, rtol: number, atol: number): Float64Array {
    const { y } = this;
    const { numbers } = this.#scaled;
    for (let i = 0; i < y.length; i++) numbers[i] = values[i] / (atol + rtol * Math.abs(y[i]));
    return numbers;
  }

  /** f(t + h, y + h f) − f, into `next`, for Hairer's first step; f is the first stage. */
  bend(t: number, h: number): Float64Array {
    const { y, next } = this;
    const { numbers } = this.#point;
    const [f] = this.k;
    for (let i = 0; i < f.length; i++) numbers[i] = y[i] + h * f[i];
    this.#evaluate(t + h, numbers, next);
    for (let i = 0; i < f.length; i++) next[i] -= f[i];
    return next;
  }

  /** y(t + θh) by the interpolant of a step from `y` with the stages `k`, all of them. */
  interpolate(
    out: Float64Array,
    theta: number,
    h: number,
    y: Float64Array,
    k: readonly Float64Array[],
  ): void {
    const { interpolant } = this.#tableau;
    out.set(y);
    for (let stage = 0; stage < k.length; stage++) {
      const row = interpolant[stage];
      let weight = 0;
      for (let power = row.length - 1; power >= 0; power--) weight = weight * theta + row[power];
      weight *= theta * h;
      const rates = k[stage];
      for (let i = 0; i < out.length; i++) out[i] += weight * rates[i];
    }
  }
}
