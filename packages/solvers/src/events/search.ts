/**
 * Finding events inside a step, on numbers only: where along the step the conditions change sign, in what order, and at
 * which one the step must end.
 *
 * Conditions are looked at not only at a step's ends but at a few places inside, and where they come nearest to zero
 * (`dips.ts`), so that a condition that crosses zero twice in one step is seen. The first place lies close behind the
 * start: there a condition that has just fired, and whose value at the start is nothing but rounding, shows which side it
 * is on. With the last but one it also shows how the condition begins and ends, for dips next to the ends.
 */
import { type Look, withDips } from './dips.ts';
import { root } from './root.ts';

/** Where along a step the conditions are looked at, as fractions. */
export const places: readonly number[] = [1 / 1024, 1 / 4, 1 / 2, 3 / 4, 1023 / 1024, 1];

/** What of an event decides when it fires, and what follows. */
export interface EventRule {
  /** 1: only from negative to positive; −1: only the other way; 0: both. In the direction of the solve. */
  readonly direction: -1 | 0 | 1;
  readonly terminal: boolean;
  /** Whether it changes the state. */
  readonly changes: boolean;
}

/** Event `event` fires at the fraction `theta` of the step. */
export interface Firing {
  readonly event: number;
  readonly theta: number;
}

/** What fires in a step; where a `cut` is, the step ends there. */
export interface Firings {
  readonly fired: readonly Firing[];
  readonly cut: number | undefined;
}

function crosses(before: number, after: number, direction: -1 | 0 | 1): boolean {
  const rises = before < 0 && after >= 0;
  const falls = before > 0 && after <= 0;
  return (rises && direction >= 0) || (falls && direction <= 0);
}

/**
 * @param start the conditions at the start of the step, NaN where one has just fired
 * @param looks the conditions at `places`
 * @param epsilon how nearly a fraction is found
 */
export function* searchStep(
  rules: readonly EventRule[],
  start: readonly number[],
  looks: readonly (readonly number[])[],
  epsilon: number,
): Generator<number, Firings, readonly number[]> {
  const fired: Firing[] = [];
  for (const [event, { direction }] of rules.entries()) {
    const given: Look[] = places.map((theta, i) => ({ theta, value: looks[i][event] }));
    const seen = yield* refine(event, withDips([{ theta: 0, value: start[event] }, ...given]));
    let [from, before] = [0, start[event]];
    for (const { theta: to, value: after } of seen.slice(1)) {
      if (crosses(before, after, direction)) {
        const theta = yield* refine(event, root(from, to, before, after, epsilon));
        fired.push({ event, theta });
        [from, before] = [to, after === 0 ? Number.NaN : after];
      } else if (after !== 0) {
        // One of exactly zero has no side: the one before still holds.
        [from, before] = [to, after];
      }
    }
  }
  return cutAt(rules, fired, epsilon);
}

/** A search on one condition among all. */
function* refine<Found>(
  event: number,
  finding: Generator<number, Found, number>,
): Generator<number, Found, readonly number[]> {
  let next = finding.next();
  while (!next.done) next = finding.next((yield next.value)[event]);
  return next.value;
}

/** What fires up to the first event that ends the step, and what fires together with that. */
function cutAt(rules: readonly EventRule[], fired: readonly Firing[], epsilon: number): Firings {
  const inOrder = [...fired].sort((a, b) => a.theta - b.theta);
  const first = inOrder.find(({ event }) => rules[event].terminal || rules[event].changes);
  if (first === undefined) return { fired: inOrder, cut: undefined };
  const cut = first.theta;
  return { fired: inOrder.filter(({ theta }) => theta <= cut + 4 * epsilon), cut };
}
