/**
 * Dips of a condition towards zero. Where a condition crosses zero and comes back between two places at which it is looked
 * at, its sign tells nothing, but its size does: it is smallest near the dip. From three looks about a smallest one the
 * minima of parabolas lead to the bottom, and golden sections where they do not (Brent, Algorithms for Minimization
 * without Derivatives, 1973, section 5.4).
 *
 * A dip is followed only as long as it may reach zero: the parabola promises a tenth less, or is not to be trusted, for it
 * rests on looks several times as high. Of most dips the looks themselves show that they stay away, at no cost.
 */

/** The value of a condition at a fraction of the step. */
export interface Look {
  readonly theta: number;
  readonly value: number;
}

/** How far a dip is followed. */
const mostLooks = 24;
const promise = 0.9;
const steep = 4;
/** Of the longer side, as Brent has it: 1 − 1 / φ. */
const section = (3 - Math.sqrt(5)) / 2;

/** The looks, in order, with one beyond zero added for each dip that crosses it. Yields where to look further. */
export function* withDips(looks: readonly Look[]): Generator<number, readonly Look[], number> {
  const beyond: Look[] = [];
  for (let i = 1; i < looks.length - 1; i++) {
    const [before, at, after] = looks.slice(i - 1, i + 2);
    if (!isDip(before.value, at.value, after.value)) continue;
    const found = yield* crossing(before, at, after);
    if (found !== undefined) beyond.push(found);
  }
  return [...looks, ...beyond].sort((a, b) => a.theta - b.theta);
}

function isDip(before: number, at: number, after: number): boolean {
  const oneSign = (before > 0 && at > 0 && after > 0) || (before < 0 && at < 0 && after < 0);
  const [left, bottom, right] = [Math.abs(before), Math.abs(at), Math.abs(after)];
  return oneSign && bottom <= left && bottom <= right && bottom < Math.max(left, right);
}

/** A look beyond zero in the dip about `mid`, if it gets there. */
function* crossing(
  before: Look,
  at: Look,
  after: Look,
): Generator<number, Look | undefined, number> {
  let [low, mid, high] = [before, at, after];
  const sign = Math.sign(mid.value);
  let trusted = true;
  for (let count = 0; count < mostLooks; count++) {
    const lowest = vertex(low, mid, high);
    const promising = lowest.value * sign < promise * mid.value * sign;
    if (!promising && !isSteep(low, mid, high)) return undefined;
    const byParabola: boolean = promising && trusted;
    const theta: number = byParabola ? lowest.theta : golden(low, mid, high);
    const look: Look = { theta, value: yield theta };
    if (look.value * sign < 0) return look;
    const deeper = look.value * sign < mid.value * sign;
    trusted = deeper || !byParabola;
    const [left, right] = look.theta < mid.theta ? [look, mid] : [mid, look];
    // The bottom lies about the deeper of the two.
    if (deeper === (right === look)) [low, mid] = [left, right];
    else [mid, high] = [left, right];
  }
  return undefined;
}

function isSteep(low: Look, mid: Look, high: Look): boolean {
  return Math.max(Math.abs(low.value), Math.abs(high.value)) > steep * Math.abs(mid.value);
}

function golden({ theta: low }: Look, { theta: mid }: Look, { theta: high }: Look): number {
  return mid + section * (high - mid > mid - low ? high - mid : low - mid);
}

/** The extremum of the parabola through three looks, the middle one the smallest. */
function vertex(low: Look, { theta, value }: Look, high: Look): Look {
  const left = (low.value - value) / (low.theta - theta);
  const right = (high.value - value) / (high.theta - theta);
  const bend = (right - left) / (high.theta - low.theta);
  const slope = left + bend * (theta - low.theta);
  const shift = -slope / (2 * bend);
  return { theta: theta + shift, value: value + slope * shift + bend * shift * shift };
}
