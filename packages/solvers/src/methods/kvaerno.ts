/**
 * Kværnø's ESDIRK methods 3(2), 4(3) and 5(4) (A. Kværnø, "Singly diagonally implicit Runge-Kutta methods with an
 * explicit first stage", BIT 44, 2004, 489-502). The last stage gives y₁, so the method is stiffly accurate and
 * L-stable; the one before it gives the embedded solution.
 */
import type { AdaptiveRungeKutta, Tableau } from '../tableau.ts';
import { hermiteInterpolant } from './hermite.ts';

interface Coefficients {
  readonly name: string;
  readonly order: number;
  readonly gamma: number;
  /** Rows below the first, without the γ on the diagonal. */
  readonly rows: readonly (readonly number[])[];
}

function solverOf({ name, order, gamma, rows }: Coefficients): AdaptiveRungeKutta {
  const a = [[], ...rows.map((row) => [...row, gamma])];
  const [embedded, b] = a.slice(-2);
  const tableau: Tableau = {
    name,
    order,
    c: a.map((row, i) => (i < a.length - 2 ? row.reduce((sum, each) => sum + each, 0) : 1)),
    a,
    b,
    error: b.map((weight, i) => weight - (embedded[i] ?? 0)),
    errorOrder: order - 1,
    fsal: true,
    interpolant: hermiteInterpolant(b),
    interpolantOrder: 3,
    implicit: { kind: 'diagonal', gamma },
  };
  return { kind: 'adaptive', tableau };
}

function rows3(g: number): number[][] {
  return [
    [g],
    [(-4 * g ** 2 + 6 * g - 1) / (4 * g), (-2 * g + 1) / (4 * g)],
    [(6 * g - 1) / (12 * g), -1 / ((24 * g - 12) * g), (-6 * g ** 2 + 6 * g - 1) / (6 * g - 3)],
  ];
}

function rows4(g: number): number[][] {
  const [p, q, r] = [12 * g ** 2 - 6 * g + 1, 12 * g ** 2 - 9 * g + 2, 3 * g - 1];
  const [square, cube, fourth] = [g ** 2, g ** 3, g ** 4];
  return [
    [g],
    [
      ((144 * fourth - 180 * cube + 81 * square - 15 * g + 1) * g) / p ** 2,
      ((-36 * cube + 39 * square - 15 * g + 2) * g) / p ** 2,
    ],
    [
      (-144 * g ** 5 + 396 * fourth - 330 * cube + 117 * square - 18 * g + 1) / (12 * square * q),
      (72 * fourth - 126 * cube + 69 * square - 15 * g + 1) / (12 * square * r),
      ((-6 * square + 6 * g - 1) * p ** 2) / (12 * square * q * r),
    ],
    [
      (288 * fourth - 312 * cube + 120 * square - 18 * g + 1) / (48 * square * q),
      (24 * square - 12 * g + 1) / (48 * square * r),
      -(p ** 3) / (48 * square * r * q * (6 * square - 6 * g + 1)),
      (-24 * cube + 36 * square - 12 * g + 1) / (24 * square - 24 * g + 4),
    ],
  ];
}

const order3 = solverOf({
  name: 'kvaerno3',
  order: 3,
  // The root of γ³ − 3γ² + 3γ/2 − 1/6 that makes the method L-stable.
  gamma: 0.435866521508459,
  rows: rows3(0.435866521508459),
});

const order4 = solverOf({
  name: 'kvaerno4',
  order: 4,
  // The root of γ⁴ − 4γ³ + 3γ² − 2γ/3 + 1/24 that makes the method L-stable.
  gamma: 0.5728160624821349,
  rows: rows4(0.5728160624821349),
});

const order5 = solverOf({
  name: 'kvaerno5',
  order: 5,
  gamma: 0.26,
  rows: [
    [0.26],
    [0.13, 0.8403332099679081],
    [0.22371961478320504, 0.476755323197997, -0.06470895363112615],
    [0.16648564323248322, 0.1045001884159172, 0.03631482272098715, -0.13090704451073998],
    [0.13855640231268224, 0, -0.04245337201752043, 0.02446657898003141, 0.6194303907248068],
    [
      ...[0.13659751177640292, 0, -0.05496908796538376, -0.04118626728321046],
      ...[0.629933048990164, 0.06962479448202728],
    ],
  ],
});

/** Kværnø 3(2): order 3, adaptive, L-stable, three implicit stages. */
export function kvaerno3(): AdaptiveRungeKutta {
  return order3;
}

/** Kværnø 4(3): order 4, adaptive, L-stable, four implicit stages. */
export function kvaerno4(): AdaptiveRungeKutta {
  return order4;
}

/** Kværnø 5(4): order 5, adaptive, L-stable, six implicit stages. */
export function kvaerno5(): AdaptiveRungeKutta {
  return order5;
}
