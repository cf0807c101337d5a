/**
 * The arithmetic of a Runge-Kutta step on plain numbers: what the recorded step graphs are for tensors, from the same
 * tableaus. Which steps to take is not decided here.
 */
import { ArgumentError } from '@neuralode/tensor';
import type { AdaptiveControl } from '../control.ts';
import { FieldError } from '../errors.ts';
import { methodOf } from '../method.ts';
import { countInterpolated, type DenseStages, type Solver, type Tableau } from '../tableau.ts';
import { type SparseRow, sparseRow, weightedSum } from './weighted-sum.ts';

/** Writes dy/dt at (t, y) into `dy`, or returns it. */
export type VectorField = (
  t: number,
  y: Float64Array,
  dy: Float64Array,
) => ArrayLike<number> | undefined;

/** Whether all of `values` are finite. */
export function allFinite(values: Float64Array): boolean {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] * 0;
  return total === 0;
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

/** Hairer's combination of two estimates: E² / √(E² + 0.01 E′²); 0 where both are. */
function steady(fine: number, coarse: number): number {
  const both = Math.sqrt(fine * fine + 0.01 * coarse * coarse);
  return both === 0 ? 0 : fine * (fine / both);
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
  /** The state where the latest step began, or where the solve stands. */
  y: Float64Array;
  /** Where the latest step ended. */
  next: Float64Array;
  /** The latest step's stages, and those that only the interpolant needs, once evaluated. */
  readonly k: Float64Array[];
  /** What the stages and the field are evaluated at: the field may do with it as it likes. */
  readonly #point: Float64Array;
  readonly #scaled: Float64Array;
  readonly #zeros: Float64Array;
  readonly #dense: { weights: Float64Array; stages: Int32Array };
  nfe = 0;

  constructor(field: VectorField, y0: Float64Array, tableau: Tableau, who: string) {
    const vector = (): Float64Array => new Float64Array(y0.length);
    this.#field = field;
    this.#tableau = tableau;
    this.#who = who;
    this.#rows = tableau.a.map(sparseRow);
    this.#b = sparseRow(tableau.b);
    this.#error = tableau.error && sparseRow(tableau.error);
    this.#coarseError = tableau.coarseError && sparseRow(tableau.coarseError);
    this.#denseRows = (tableau.denseStages?.a ?? []).map(sparseRow);
    const stages = countInterpolated(tableau);
    this.y = Float64Array.from(y0);
    this.next = vector();
    this.k = Array.from({ length: stages }, vector);
    this.#point = vector();
    this.#scaled = vector();
    this.#zeros = vector();
    this.#dense = {
      weights: new Float64Array(stages),
      stages: Int32Array.from({ length: stages }, (_, stage) => stage),
    };
  }

  /** f(t, y) into `out`. */
  #evaluate(t: number, y: Float64Array, out: Float64Array): void {
    this.nfe++;
    const value = this.#field(t, y, out);
    if (value === undefined || value === out) return;
    if (value.length !== out.length) this.#refuse(value);
    for (let i = 0; i < out.length; i++) out[i] = value[i];
  }

  #refuse(value: unknown): never {
    const { length } = value as { length?: number };
    throw new FieldError({
      what: `${this.#who}: the field's value does not fit the state`,
      got: length === undefined ? String(value) : `${length} numbers`,
      expected: `${this.y.length}`,
      remedy: 'Return dy/dt, as long as y, or write it into the third argument',
    });
  }

  /** The first stage at the state as it stands. */
  start(t: number): void {
    this.#point.set(this.y);
    this.#evaluate(t, this.#point, this.k[0]);
  }

  /** A step from t over h: `next` and the stages. Where the method keeps its first stage, that is there already. */
  step(t: number, h: number): void {
    const { c, fsal } = this.#tableau;
    const last = c.length - 1;
    this.#extended = false;
    for (let i = fsal ? 1 : 0; i <= last; i++) {
      weightedSum(this.#point, this.y, h, this.#rows[i], this.k);
      if (fsal && i === last) this.next.set(this.#point);
      this.#evaluate(t + c[i] * h, this.#point, this.k[i]);
    }
    if (!fsal) weightedSum(this.next, this.y, h, this.#b, this.k);
  }

  /** Evaluates the stages that only the interpolant needs, of the latest step, from t over h; before `accept`. */
  extend(t: number, h: number): void {
    if (this.#extended) return;
    this.#extended = true;
    const { c, denseStages } = this.#tableau;
    this.#denseRows.forEach((row, i) => {
      weightedSum(this.#point, this.y, h, row, this.k);
      const node = (denseStages as DenseStages).c[i];
      this.#evaluate(t + node * h, this.#point, this.k[c.length + i]);
    });
  }

  /** The size of the latest step's error in units of atol + rtol · max(|y|, |y₁|). */
  errorSize(
    h: number,
    { rtol, atol }: Pick<AdaptiveControl, 'rtol' | 'atol'>,
    norm: (values: Float64Array) => number,
  ): number {
    const size = (weights: SparseRow): number => norm(this.#scaledSum(weights, h, rtol, atol));
    const fine = size(this.#error as SparseRow);
    return this.#coarseError === undefined ? fine : steady(fine, size(this.#coarseError));
  }

  /** h Σ weightsᵢ kᵢ in those units, element by element. Borrowed. */
  #scaledSum(weights: SparseRow, h: number, rtol: number, atol: number): Float64Array {
    const { y, next } = this;
    const scaled = this.#scaled;
    weightedSum(scaled, this.#zeros, h, weights, this.k);
    for (let i = 0; i < scaled.length; i++) {
      scaled[i] /= atol + rtol * Math.max(Math.abs(y[i]), Math.abs(next[i]));
    }
    return scaled;
  }

  /** Moves on to where the latest step ended. */
  accept(): void {
    const { k, y } = this;
    this.y = this.next;
    this.next = y;
    if (!this.#tableau.fsal) return;
    const last = this.#tableau.c.length - 1;
    const first = k[0];
    k[0] = k[last];
    k[last] = first;
  }

  /** `values` in units of atol + rtol |y|. Borrowed. */
  scaled(values: Float64Array, rtol: number, atol: number): Float64Array {
    const { y } = this;
    for (let i = 0; i < y.length; i++) this.#scaled[i] = values[i] / (atol + rtol * Math.abs(y[i]));
    return this.#scaled;
  }

  /** f(t + h, y + h f) − f, into `next`, for Hairer's first step; f is the first stage. */
  bend(t: number, h: number): Float64Array {
    const [f] = this.k;
    for (let i = 0; i < f.length; i++) this.#point[i] = this.y[i] + h * f[i];
    this.#evaluate(t + h, this.#point, this.next);
    for (let i = 0; i < f.length; i++) this.next[i] -= f[i];
    return this.next;
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
    const { weights } = this.#dense;
    for (let stage = 0; stage < weights.length; stage++) {
      const row = interpolant[stage];
      let weight = 0;
      for (let power = row.length - 1; power >= 0; power--) weight = weight * theta + row[power];
      weights[stage] = weight * theta;
    }
    weightedSum(out, y, h, this.#dense, k);
  }
}
