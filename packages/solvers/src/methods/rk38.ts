/**
 * The 3/8-rule (Kutta 1901; Hairer, Nørsett, Wanner I, table II.1.2). Order 4.
 *
 * The interpolant is the only one of order 3 without a further evaluation: its four stages meet four conditions.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'rk38',
    order: 4,
    c: [0, 1 / 3, 2 / 3, 1],
    a: [[], [1 / 3], [-1 / 3, 1], [1, -1, 1]],
    b: [1 / 8, 3 / 8, 3 / 8, 1 / 8],
    fsal: false,
    interpolant: [
      [1, -15 / 8, 1],
      [0, 15 / 8, -3 / 2],
      [0, 3 / 8, 0],
      [0, -3 / 8, 1 / 2],
    ],
    interpolantOrder: 3,
  },
};

/** Kutta's 3/8-rule: order 4, four evaluations a step. */
export function rk38(): FixedStepRungeKutta {
  return solver;
}
