/**
 * Cash-Karp 5(4) (Cash, Karp, "A variable order Runge-Kutta method for initial value problems with rapidly varying
 * right-hand sides", ACM Transactions on Mathematical Software 16, 1990): its formulas of orders 5 and 4.
 *
 * The interpolant is of order 4. With the field at y₁ as a seventh stage (it serves the next step), the order conditions
 * and a derivative that is continuous from step to step leave one free number; it is set so that the error of order 5
 * (the norm of its coefficients over all trees, squared and integrated over the step) is least. The same rule applied to
 * Dormand-Prince 5(4) gives Shampine's interpolant.
 */
import type { AdaptiveRungeKutta } from '../tableau.ts';

const b = [37 / 378, 0, 250 / 621, 125 / 594, 0, 512 / 1771, 0];
const embedded = [2825 / 27648, 0, 18575 / 48384, 13525 / 55296, 277 / 14336, 1 / 4, 0];

const solver: AdaptiveRungeKutta = {
  kind: 'adaptive',
  tableau: {
    name: 'cashKarp',
    order: 5,
    c: [0, 1 / 5, 3 / 10, 3 / 5, 1, 7 / 8, 1],
    a: [
      [],
      [1 / 5],
      [3 / 40, 9 / 40],
      [3 / 10, -9 / 10, 6 / 5],
      [-11 / 54, 5 / 2, -70 / 27, 35 / 27],
      [1631 / 55296, 175 / 512, 575 / 13824, 44275 / 110592, 253 / 4096],
      b.slice(0, 6),
    ],
    b,
    error: b.map((weight, i) => weight - embedded[i]),
    errorOrder: 4,
    fsal: true,
    interpolant: [
      [1, -10405 / 3843, 32357 / 11529, -855 / 854],
      [0, 0, 0, 0],
      [0, 308500 / 88389, -1424000 / 265167, 67250 / 29463],
      [0, 5875 / 24156, 12875 / 36234, -3125 / 8052],
      [0, 235 / 1708, -235 / 854, 235 / 1708],
      [0, -287744 / 108031, 700416 / 108031, -381440 / 108031],
      [0, 3 / 2, -4, 5 / 2],
    ],
    interpolantOrder: 4,
  },
};

/** Cash-Karp 5(4): order 5, adaptive, six evaluations a step. */
export function cashKarp(): AdaptiveRungeKutta {
  return solver;
}
