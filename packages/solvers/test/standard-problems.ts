/** How the solutions of the standard problems are judged. */
import type { Problem, Reference } from '@neuralode/test-problems';

/** The root mean square of the errors in units of the tolerance that was asked for, as the step control measures it. */
export function errorInTolerances(
  got: ArrayLike<number>,
  exact: readonly number[],
  { smallness }: Problem,
  rtol: number,
): number {
  const squares = exact.map(
    (value, i) => ((got[i] - value) / (rtol * (smallness + Math.abs(value)))) ** 2,
  );
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / exact.length);
}

/**
 * What theory allows, in the same units: each step adds an error of one tolerance at most, which the problem magnifies by
 * its condition at most until the end (Hairer, Nørsett, Wanner I, theorem II.3.6).
 */
export function allowance({ conditions }: Reference, steps: number, time = 0): number {
  return conditions[time] * steps;
}
