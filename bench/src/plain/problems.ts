/**
 * Four problems on plain numbers, as a person who cares for speed would write them; bench/native/plain.c and
 * bench/peers/plain_scipy.py have the same.
 */
import type { PeerField } from '../peers/npm.ts';

export interface PlainProblem {
  readonly field: PeerField;
  readonly y0: readonly number[];
  readonly span: readonly [number, number];
}

const lorenz: PlainProblem = {
  field: (_t, y, dy) => {
    const [a, b, c] = [y[0], y[1], y[2]];
    dy[0] = 10 * (b - a);
    dy[1] = a * (28 - c) - b;
    dy[2] = a * b - (8 / 3) * c;
  },
  y0: [1, 1, 1],
  span: [0, 20],
};

/** Seven stars in a plane, of masses 1 to 7: Hairer, Nørsett, Wanner I, section II.10. State: x, y, x′, y′. */
const pleiades: PlainProblem = {
  field: (_t, y, dy) => {
    for (let i = 0; i < 7; i++) {
      let ax = 0;
      let ay = 0;
      for (let j = 0; j < 7; j++) {
        if (j === i) continue;
        const dx = y[j] - y[i];
        const dz = y[7 + j] - y[7 + i];
        const squared = dx * dx + dz * dz;
        const pull = (j + 1) / (squared * Math.sqrt(squared));
        ax += pull * dx;
        ay += pull * dz;
      }
      dy[i] = y[14 + i];
      dy[7 + i] = y[21 + i];
      dy[14 + i] = ax;
      dy[21 + i] = ay;
    }
  },
  y0: [
    [3, 3, -1, -3, 2, -2, 2],
    [3, -3, 2, 0, 0, -4, 4],
    [0, 0, 0, 0, 0, 1.75, -1.5],
    [0, 0, 0, -1.25, 1, 0, 0],
  ].flat(),
  span: [0, 3],
};

const cells = 500;
const grid = Array.from({ length: cells }, (_, i) => (i + 1) / (cells + 1));
const diffusion = (1 / 50) * (cells + 1) ** 2;

/** A reaction with diffusion on 500 points: Hairer, Wanner II, section IV.1, (1.6). State: u, v. */
const brusselator: PlainProblem = {
  field: (_t, y, dy) => {
    const n = cells;
    for (let i = 0; i < n; i++) {
      const u = y[i];
      const v = y[n + i];
      const left = i > 0 ? y[i - 1] : 1;
      const right = i < n - 1 ? y[i + 1] : 1;
      const below = i > 0 ? y[n + i - 1] : 3;
      const above = i < n - 1 ? y[n + i + 1] : 3;
      const reaction = u * u * v;
      dy[i] = 1 + reaction - 4 * u + diffusion * (left - 2 * u + right);
      dy[n + i] = 3 * u - reaction + diffusion * (below - 2 * v + above);
    }
  },
  y0: [...grid.map((x) => 1 + Math.sin(2 * Math.PI * x)), ...grid.map(() => 3)],
  span: [0, 1],
};

/** A damped system of springs: dy/dt = A y, dense, with A = S − 0.1 I and Sᵢⱼ = sin(3 i + 5 j) − sin(3 j + 5 i). */
const size = 10;
const matrix = Float64Array.from({ length: size * size }, (_, place) => {
  const [i, j] = [Math.floor(place / size), place % size];
  return Math.sin(3 * i + 5 * j) - Math.sin(3 * j + 5 * i) - (i === j ? 0.1 : 0);
});
const linear: PlainProblem = {
  field: (_t, y, dy) => {
    // two rows at a time: a single sum waits for each of its additions
    for (let i = 0; i < size; i += 2) {
      let upper = 0;
      let lower = 0;
      for (let j = 0; j < size; j++) {
        upper += matrix[size * i + j] * y[j];
        lower += matrix[size * (i + 1) + j] * y[j];
      }
      dy[i] = upper;
      dy[i + 1] = lower;
    }
  },
  y0: Array.from({ length: size }, (_, i) => (i === 0 ? 1 : 0)),
  span: [0, 20],
};

export const plainProblems: Readonly<Record<string, PlainProblem>> = {
  lorenz,
  pleiades,
  brusselator,
  linear,
};
