/**
 * Two of the plain problems as tensor programs, solved in one call of the fused runtime (dopri5, float64): their fields
 * are recorded, compiled with the loop around them, and never return to JavaScript.
 */
import { jit } from '@neuralode/autodiff';
import { simd } from '@neuralode/backend-simd';
import { dopri5, odeint, type SolveStats } from '@neuralode/solvers';
import { concat, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import type { PeerProblem, PeerSolution } from '../peers/npm.ts';

type Options = Parameters<typeof odeint>[3] & object;

/** y [3] at the end; three scalars need no joining. */
function lorenz(y0: Tensor, span: readonly [number, number], options: Options): Tensor {
  const start = { a: y0.slice([0], [1]), b: y0.slice([1], [1]), c: y0.slice([2], [1]) };
  const field = (_t: Tensor, { a, b, c }: typeof start): typeof start => ({
    a: b.sub(a).mul(10),
    b: a.mul(c.neg().add(28)).sub(b),
    c: a.mul(b).sub(c.mul(8 / 3)),
  });
  const { ys } = odeint(field, start, span, options as object);
  return concat([ys.a.at(-1), ys.b.at(-1), ys.c.at(-1)], 0);
}

/** y [28] at the end: places and velocities in rows of seven. */
function pleiades(y0: Tensor, span: readonly [number, number], options: Options): Tensor {
  const stars = [0, 1, 2, 3, 4, 5, 6];
  const masses = tensor(stars.map((i) => [i + 1]));
  // a star does not pull at itself: a distance of 1 there, times a difference of 0
  const itself = tensor(stars.map((i) => stars.map((j) => Number(i === j))));
  const field = (_t: Tensor, y: Tensor): Tensor => {
    const [x, z] = [y.slice([0, 0], [1, 7]), y.slice([1, 0], [1, 7])];
    // the star that pulls by row, the one pulled at by column: sums of rows need no adding across a vector
    const dx = x.reshape([7, 1]).sub(x);
    const dz = z.reshape([7, 1]).sub(z);
    const squared = dx.mul(dx).add(dz.mul(dz)).add(itself);
    const pull = masses.div(squared.mul(squared.sqrt()));
    const along = (d: Tensor): Tensor => pull.mul(d).sum([0]).reshape([1, 7]);
    return concat([y.slice([2, 0], [2, 7]), along(dx), along(dz)], 0);
  };
  const { ys } = odeint(field, y0.reshape([4, 7]), span, options as object);
  return ys.at(-1).reshape([28]);
}

const programs = { lorenz, pleiades };

export type FusedProblem = keyof typeof programs;

export const fusedProblems = Object.keys(programs) as readonly FusedProblem[];

/** A solver of one of the problems, compiled; what it takes and gives are plain numbers. */
export async function fusedSolver(
  name: FusedProblem,
): Promise<(problem: PeerProblem) => PeerSolution> {
  await setBackend(simd({ floatDType: 'float64' }));
  let nfe = 0;
  let known: ((y0: Tensor) => Tensor) | undefined;
  return ({ y0, span, rtol, atol }) => {
    const onSolve = (stats: SolveStats): void => {
      ({ nfe } = stats);
    };
    known ??= jit((start: Tensor) =>
      programs[name](start, span, { solver: dopri5(), rtol, atol, onSolve }),
    ).sync;
    const start = tensor(y0);
    const end = known(start);
    const y = Array.from(end.dataSync());
    for (const each of [start, end]) each.dispose();
    return { y, nfe };
  };
}
