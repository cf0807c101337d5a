/**
 * The stability function R(z) of a method: what one step makes of 1, on y' = λ y with z = h λ (Hairer, Wanner II, section
 * IV.3), by solving for the stages in complex numbers.
 */
import type { Tableau } from '@neuralode/solvers';

export type Complex = readonly [number, number];

export const complex = (real: number): Complex => [real, 0];
const add = (a: Complex, b: Complex): Complex => [a[0] + b[0], a[1] + b[1]];
const times = (a: Complex, b: Complex): Complex => [
  a[0] * b[0] - a[1] * b[1],
  a[0] * b[1] + a[1] * b[0],
];
const over = (a: Complex, b: Complex): Complex => {
  const size = b[0] ** 2 + b[1] ** 2;
  return times(a, [b[0] / size, -b[1] / size]);
};

/** Gauss-Jordan elimination with pivoting. */
function solveComplex(matrix: Complex[][], side: Complex[]): Complex[] {
  const rows = matrix.map((row, i) => [...row, side[i]]);
  for (let k = 0; k < rows.length; k++) {
    const pool = rows.slice(k);
    const best = pool.reduce((top, row) =>
      Math.hypot(...row[k]) > Math.hypot(...top[k]) ? row : top,
    );
    const place = rows.indexOf(best);
    [rows[k], rows[place]] = [rows[place], rows[k]];
    rows[k] = rows[k].map((each) => over(each, best[k]));
    rows.forEach((row, i) => {
      if (i === k) return;
      const factor = times(row[k], [-1, 0]);
      rows[i] = row.map((each, j) => add(each, times(factor, rows[k][j])));
    });
  }
  return rows.map((row) => row[row.length - 1]);
}

/** R(z). With λ = 1 and h = z; the stages are hk. */
export function stabilityAt({ a, b, implicit }: Tableau, z: Complex): Complex {
  const rosenbrock = implicit?.kind === 'rosenbrock' ? implicit : undefined;
  const matrix = a.map((row, i) =>
    a.map((_, j): Complex => {
      const stage = times(z, [-(row[j] ?? 0), 0]);
      if (rosenbrock === undefined) return add(stage, [i === j ? 1 : 0, 0]);
      // (I/γ − z) k − z A k − C k = z
      const own: Complex = i === j ? add([1 / rosenbrock.gamma, 0], times(z, [-1, 0])) : [0, 0];
      return add(add(stage, own), [-(rosenbrock.coupling[i][j] ?? 0), 0]);
    }),
  );
  const stages = solveComplex(
    matrix,
    a.map(() => z),
  );
  return stages.reduce((sum, stage, i) => add(sum, times(stage, [b[i], 0])), complex(1));
}
