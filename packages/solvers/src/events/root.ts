/**
 * The root of a function inside a bracket, by the ITP method (Oliveira, Takahashi, "An enhancement of the bisection method
 * average performance preserving minmax optimality", ACM TOMS 47, 2020): superlinear on smooth functions, and never more
 * than one evaluation worse than bisection.
 *
 * A generator of the points at which the function is wanted, so that one body serves numbers and devices.
 */

/** Finds x in [a, b] where the sign changes, to within `epsilon`; on the side of b, so that the sign has changed. */
export function* root(
  a: number,
  b: number,
  atA: number,
  atB: number,
  epsilon: number,
): Generator<number, number, number> {
  // A value of zero has no sign to bracket by.
  if (atB === 0) return b;
  const slack = 1;
  const halvings = Math.ceil(Math.log2((b - a) / (2 * epsilon)));
  let [low, high, below, above] = [a, b, atA, atB];
  for (let left = Math.max(0, halvings) + slack; high - low > 2 * epsilon && left >= 0; left--) {
    const wish = projected(low, high, below, above, epsilon * 2 ** left - (high - low) / 2, b - a);
    // One end may be the root but for rounding, and the wish no other: the bracket must still close on it.
    const nearest = Math.min(epsilon, (high - low) / 2);
    const x = Math.min(Math.max(wish, low + nearest), high - nearest);
    // Rounding may leave no number between the two.
    if (!(x > low && x < high)) return high;
    const value = yield x;
    if (value === 0) return x;
    if (value > 0 === above > 0) [high, above] = [x, value];
    else [low, below] = [x, value];
  }
  return high;
}

/** Interpolate, truncate towards the middle, project into the reach that bisection still allows. */
function projected(
  low: number,
  high: number,
  below: number,
  above: number,
  reach: number,
  width: number,
): number {
  const middle = (low + high) / 2;
  const falsi = (above * low - below * high) / (above - below);
  const towards = Math.sign(middle - falsi);
  const step = (0.2 / width) * (high - low) ** 2;
  const truncated = step <= Math.abs(middle - falsi) ? falsi + towards * step : middle;
  return Math.abs(truncated - middle) <= reach ? truncated : middle - towards * reach;
}
