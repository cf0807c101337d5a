/**
 * Fehlberg 4(5) (NASA Technical Report R-315, 1969, table III; Hairer, Nørsett, Wanner I, table II.5.1), advanced with its
 * formula of order 5, as in the code RKF45 of Shampine and Watts. Error order 4.
 *
 * The interpolant is of order 4. With the field at y₁ as a seventh stage (it serves the next step), the order conditions
 * and a derivative that is continuous from step to step leave one free number; it is set so that the error of order 5
 * (the norm of its coefficients over all trees, squared and integrated over the step) is least. The same rule applied to
 * Dormand-Prince 5(4) gives Shampine's interpolant.
 */
import type { AdaptiveRungeKutta } from '../tableau.ts';

const b = [16 / 135, 0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55, 0];
const embedded = [25 / 216, 0, 1408 / 2565, 2197 / 4104, -1 / 5, 0, 0];

const solver: AdaptiveRungeKutta = {
  kind: 'adaptive',
  tableau: {
    name: 'fehlberg45',
    order: 5,
    c: [0, 1 / 4, 3 / 8, 12 / 13, 1, 1 / 2, 1],
    a: [
      [],
      [1 / 4],
      [3 / 32, 9 / 32],
      [1932 / 2197, -7200 / 2197, 7296 / 2197],
      [439 / 216, -8, 3680 / 513, -845 / 4104],
      [-8 / 27, 2, -3544 / 2565, 1859 / 4104, -11 / 40],
      b.slice(0, 6),
    ],
    b,
    error: b.map((weight, i) => weight - embedded[i]),
    errorOrder: 4,
    fsal: true,
    interpolant: [
      [1, -253031 / 101160, 375809 / 151740, -9631 / 11240],
      [0, 0, 0, 0],
      [0, 5951488 / 1201275, -28227584 / 3603825, 1360384 / 400425],
      [0, -73795033 / 21142440, 285590227 / 31713660, -35299199 / 7047480],
      [0, 16729 / 14050, -21787 / 7025, 12158 / 7025],
      [0, -25552 / 15455, 53352 / 15455, -27238 / 15455],
      [0, 3 / 2, -4, 5 / 2],
    ],
    interpolantOrder: 4,
  },
};

/** Fehlberg 5(4): order 5, adaptive, six evaluations a step. */
export function fehlberg45(): AdaptiveRungeKutta {
  return solver;
}
