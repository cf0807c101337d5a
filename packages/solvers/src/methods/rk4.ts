/**
 * The classical Runge-Kutta method (Kutta 1901; Hairer, Nørsett, Wanner I, table II.1.2). Order 4.
 *
 * The interpolant is its continuous extension of order 3 (the same book, section II.6, equation 6.5): uniformly as
 * accurate as the method's own global error, without a further evaluation.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'rk4',
    order: 4,
    c: [0, 1 / 2, 1 / 2, 1],
    a: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]],
    b: [1 / 6, 1 / 3, 1 / 3, 1 / 6],
    fsal: false,
    interpolant: [
      [1, -3 / 2, 2 / 3],
      [0, 1, -2 / 3],
      [0, 1, -2 / 3],
      [0, -1 / 2, 2 / 3],
    ],
    interpolantOrder: 3,
  },
};

/** The classical Runge-Kutta method: order 4, four evaluations a step. */
export function rk4(): FixedStepRungeKutta {
  return solver;
}
