/** The bracketing root finder against functions whose roots are known. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { root } from './root.ts';

/** Runs the search on `fn`; the root found and how often `fn` was asked. */
function find(fn: (x: number) => number, a: number, b: number, epsilon: number) {
  const search = root(a, b, fn(a), fn(b), epsilon);
  let asked = 0;
  let next = search.next();
  while (!next.done) {
    asked++;
    next = search.next(fn(next.value));
  }
  return { x: next.value, asked };
}

const epsilon = 2 ** -52;

it('closes on the root from either side, to rounding', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.constantFrom(1, -1),
      (at, bend, sign) => {
        const fn = (x: number): number => sign * (x - at + bend * (x - at) ** 3);
        const { x, asked } = find(fn, 0, 1, epsilon);
        expect(Math.abs(x - at)).toBeLessThan(4 * epsilon);
        // Bisection takes 51 halvings to that precision; the method is never more than one worse.
        expect(asked).toBeLessThan(53);
      },
    ),
  );
});

it('closes on a root of a parabola whose lower end is met first', () => {
  // (start, length) of a step of a falling ball, whose condition's root is met from below to the last bit.
  const [start, h] = [0.20780047017638884, 1.872076307895395];
  const fn = (x: number): number => {
    const t = start + x * h;
    return 3 + 1.5 * t - (9.81 / 2) * t * t - 0.4;
  };
  const exact = (1.5 + Math.sqrt(1.5 * 1.5 + 2 * 9.81 * 2.6)) / 9.81;
  const { x } = find(fn, 0.25, 0.5, epsilon);
  expect(Math.abs(start + x * h - exact)).toBeLessThan(1e-14);
});

it('takes an end at which the function is zero', () => {
  expect(find((x) => x - 0.5, 0.25, 0.5, epsilon)).toEqual({ x: 0.5, asked: 0 });
  expect(find((x) => 0.5 - x, 0.25, 0.5, epsilon)).toEqual({ x: 0.5, asked: 0 });
});
