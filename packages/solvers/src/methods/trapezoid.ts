/**
 * The trapezoidal rule (Crank, Nicolson 1947; Hairer, Wanner II, section IV.3; Lobatto IIIA of two stages). Order 2,
 * A-stable.
 *
 * The interpolant is the collocation polynomial, the one quadratic that meets both order conditions.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'trapezoid',
    order: 2,
    c: [0, 1],
    a: [[], [1 / 2, 1 / 2]],
    b: [1 / 2, 1 / 2],
    // Its last stage is f(t + h, y₁), although b does not leave it out.
    fsal: true,
    interpolant: [
      [1, -1 / 2],
      [0, 1 / 2],
    ],
    interpolantOrder: 2,
    implicit: { kind: 'diagonal', gamma: 1 / 2 },
  },
};

/** The trapezoidal rule: order 2, fixed steps, A-stable. */
export function trapezoid(): FixedStepRungeKutta {
  return solver;
}
