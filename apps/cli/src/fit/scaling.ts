/** Values as the model sees them: near zero, of size one, and logarithms where a column spans orders of size. */

/** The way of a column to the model's values and back. */
export interface ColumnScale {
  readonly log: boolean;
  readonly mean: number;
  readonly deviation: number;
}

/** From this ratio of the largest to the smallest value on, ratios matter more than differences. */
const wideRatio = 3;

/** Fits the scale of a column to the values that are trained on. */
export function fitScale(column: readonly number[]): ColumnScale {
  const known = column.filter((value) => !Number.isNaN(value));
  const smallest = known.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const largest = known.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const log = smallest > 0 && largest / smallest >= wideRatio;
  const levels = log ? known.map(Math.log) : known;
  const mean = levels.reduce((sum, value) => sum + value, 0) / levels.length;
  const variance = levels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / levels.length;
  const deviation = Math.sqrt(variance);
  // a constant column stays at zero
  const flat = !(deviation > 1e-12 * Math.max(1, Math.abs(mean)));
  return { log, mean, deviation: flat ? 1 : deviation };
}

export function toModel({ log, mean, deviation }: ColumnScale, value: number): number {
  return ((log ? Math.log(value) : value) - mean) / deviation;
}

export function fromModel({ log, mean, deviation }: ColumnScale, value: number): number {
  const level = value * deviation + mean;
  return log ? Math.exp(level) : level;
}
