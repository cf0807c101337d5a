/**
 * Gauss's methods of two and three stages (Kuntzmann, Butcher; Hairer, Wanner II, section IV.5). Orders 4 and
 * 6, A-stable, symplectic. They keep quadratic invariants to rounding, and have no error estimate.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';
import { collocationInterpolant } from './collocation.ts';

const root3 = Math.sqrt(3);
const root15 = Math.sqrt(15);

const nodes4 = [1 / 2 - root3 / 6, 1 / 2 + root3 / 6];
const nodes6 = [1 / 2 - root15 / 10, 1 / 2, 1 / 2 + root15 / 10];

const order4: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'gaussLegendre4',
    order: 4,
    c: nodes4,
    a: [
      [1 / 4, 1 / 4 - root3 / 6],
      [1 / 4 + root3 / 6, 1 / 4],
    ],
    b: [1 / 2, 1 / 2],
    fsal: false,
    interpolant: collocationInterpolant(nodes4),
    interpolantOrder: 2,
    implicit: { kind: 'coupled' },
  },
};

const order6: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'gaussLegendre6',
    order: 6,
    c: nodes6,
    a: [
      [5 / 36, 2 / 9 - root15 / 15, 5 / 36 - root15 / 30],
      [5 / 36 + root15 / 24, 2 / 9, 5 / 36 - root15 / 24],
      [5 / 36 + root15 / 30, 2 / 9 + root15 / 15, 5 / 36],
    ],
    b: [5 / 18, 4 / 9, 5 / 18],
    fsal: false,
    interpolant: collocationInterpolant(nodes6),
    interpolantOrder: 3,
    implicit: { kind: 'coupled' },
  },
};

/** Gauss's method of two stages: order 4, fixed steps, symplectic. */
export function gaussLegendre4(): FixedStepRungeKutta {
  return order4;
}

/** Gauss's method of three stages: order 6, fixed steps, symplectic. */
export function gaussLegendre6(): FixedStepRungeKutta {
  return order6;
}
