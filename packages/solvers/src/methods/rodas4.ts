/**
 * RODAS, a Rosenbrock method 4(3) (Hairer, Wanner II, section VI.4; coefficients of their code RODAS, method 1). L-stable
 * and stiffly accurate: one Jacobian, one factorisation and six linear solves a step, and no iteration.
 *
 * The interpolant is `CONTRO` of that code: y(1 − θ) + θ(y₁ + (1 − θ)(h Σ dᵢkᵢ + θ h Σ eᵢkᵢ)).
 */
import type { AdaptiveRungeKutta } from '../tableau.ts';

const a5 = [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895];
const d = [
  10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662,
  0,
];
const e = [
  -0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872,
  0,
];

const b = [...a5, 1, 1];

const solver: AdaptiveRungeKutta = {
  kind: 'adaptive',
  tableau: {
    name: 'rodas4',
    order: 4,
    c: [0, 0.386, 0.21, 0.63, 1, 1],
    a: [
      [],
      [1.544],
      [0.9466785280815826, 0.2557011698983284],
      [3.314825187068521, 2.896124015972201, 0.9986419139977817],
      a5,
      [...a5, 1],
    ],
    b,
    error: [0, 0, 0, 0, 0, 1],
    errorOrder: 3,
    fsal: false,
    interpolant: b.map((weight, i) => [weight + d[i], e[i] - d[i], -e[i]]),
    interpolantOrder: 3,
    implicit: {
      kind: 'rosenbrock',
      gamma: 1 / 4,
      coupling: [
        [],
        [-5.6688],
        [-2.430093356833875, -0.2063599157091915],
        [-0.1073529058151375, -9.594562251023355, -20.47028614809616],
        [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616],
        [
          ...[8.083246795921522, -7.981132988064893, -31.52159432874371],
          ...[16.31930543123136, -6.058818238834054],
        ],
      ],
      timeWeights: [0.25, -0.1043, 0.1035, -0.03620000000000023, 0, 0],
    },
  },
};

/** RODAS 4(3): order 4, adaptive, L-stable, without Newton's iteration. */
export function rodas4(): AdaptiveRungeKutta {
  return solver;
}
