/**
 * `adams()` and `bdf()` beside scipy's multistep codes: no more evaluations for an error no larger. See
 * bench/peers/reference_multistep.py, which made the references.
 */
import { readFileSync } from 'node:fs';
import { reference } from '@neuralode/backend-reference';
import { type AdaptiveSolver, adams, bdf, type Field } from '@neuralode/solvers';
import { concat, setBackend, type Tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { logSlope, lotkaVolterra, part, solve, vanDerPol } from './problems.ts';

interface Peer {
  readonly scale: number;
  readonly y0: number[];
  readonly times: number[];
  readonly ys: number[][];
  readonly runs: readonly { rtol: number; evaluations: number; error: number }[];
}

function load(kind: 'smooth' | 'stiff'): Record<string, Peer> {
  const file = new URL(`./reference/multistep-${kind}-scipy.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).problems;
}

const parts = (y: Tensor, count: number): Tensor[] =>
  Array.from({ length: count }, (_, i) => part(y, i));

const kepler: Field<Tensor> = (_, y) => {
  const [a, b, u, v] = parts(y, 4);
  const cube = a.square().add(b.square()).pow(1.5);
  return concat([u, v, a.div(cube).neg(), b.div(cube).neg()]);
};

const robertson: Field<Tensor> = (_, y) => {
  const [a, b, c] = parts(y, 3);
  const [slow, back, fast] = [a.mul(0.04), b.mul(c).mul(1e4), b.square().mul(3e7)];
  return concat([back.sub(slow), slow.sub(back).sub(fast), fast]);
};

const hires: Field<Tensor> = (_, y) => {
  const [a, b, c, d, e, f, g, h] = parts(y, 8);
  const meeting = f.mul(h).mul(280);
  return concat([
    a.mul(-1.71).add(b.mul(0.43)).add(c.mul(8.32)).add(0.0007),
    a.mul(1.71).sub(b.mul(8.75)),
    c.mul(-10.03).add(d.mul(0.43)).add(e.mul(0.035)),
    b.mul(8.32).add(c.mul(1.71)).sub(d.mul(1.12)),
    e.mul(-1.745).add(f.add(g).mul(0.43)),
    d.add(g).mul(0.69).add(e.mul(1.71)).sub(f.mul(0.43)).sub(meeting),
    meeting.sub(g.mul(1.81)),
    g.mul(1.81).sub(meeting),
  ]);
};

const oregonator: Field<Tensor> = (_, y) => {
  const [a, b, c] = parts(y, 3);
  const growth = a.mul(-8.375e-6).add(1).sub(b);
  return concat([
    a.mul(growth).add(b).mul(77.27),
    c.sub(a.add(1).mul(b)).div(77.27),
    a.sub(c).mul(0.161),
  ]);
};

/** As in the peers' runs: the largest error relative to the size of a component and the problem's scale. */
function run(solver: AdaptiveSolver, field: Field<Tensor>, peer: Peer, rtol: number) {
  const { scale, y0, times, ys } = peer;
  const { rows, stats } = solve(field, y0, times, { solver, rtol, atol: rtol * scale });
  const errors = rows.flatMap((row, i) =>
    row.map((value, j) => Math.abs(value - ys[i][j]) / (scale + Math.abs(ys[i][j]))),
  );
  return { error: Math.max(...errors), evaluations: stats.nfe };
}

/** Tolerances two to a decade. */
const tolerances = (from: number, to: number): number[] =>
  Array.from({ length: 2 * (to - from) + 1 }, (_, i) => 10 ** (-from - i / 2));

beforeAll(async () => {
  await setBackend(reference());
});

const smooth = load('smooth');
const stiff = load('stiff');
const suites = [
  ['adams', adams(), 'lotka-volterra', lotkaVolterra, smooth, tolerances(3, 11)],
  ['adams', adams(), 'kepler', kepler, smooth, tolerances(3, 11)],
  ['adams', adams(), 'van-der-pol', vanDerPol(1), smooth, tolerances(3, 11)],
  ['bdf', bdf(), 'van-der-pol-1000', vanDerPol(1000), stiff, tolerances(3, 7)],
  ['bdf', bdf(), 'robertson', robertson, stiff, tolerances(3, 9)],
  ['bdf', bdf(), 'hires', hires, stiff, tolerances(3, 9)],
  ['bdf', bdf(), 'oregonator', oregonator, stiff, tolerances(3, 7)],
] as const;

interface Spent {
  readonly error: number;
  readonly evaluations: number;
}

/**
 * What an error costs: by the straight line through the logarithms of the five runs nearest to it, for the error of a single
 * run is partly luck.
 */
function costOf(error: number, runs: readonly Spent[]): number {
  const at = Math.log(error);
  const distance = (each: Spent): number => Math.abs(Math.log(each.error) - at);
  const near = runs.toSorted((a, b) => distance(a) - distance(b)).slice(0, 5);
  const errors = near.map((each) => each.error);
  const evaluations = near.map((each) => each.evaluations);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + Math.log(each), 0) / values.length;
  return Math.exp(mean(evaluations) + logSlope(errors, evaluations) * (at - mean(errors)));
}

describe.each(suites)('%s', (_, solver, name, field, peers, sweep) => {
  it(`takes no more evaluations than scipy's for the same error: ${name}`, () => {
    const peer = peers[name];
    const own = sweep.map((rtol) => run(solver, field, peer, rtol));
    const least = sweep.at(-1) as number;
    for (const { rtol, evaluations, error } of peer.runs.filter((each) => each.rtol > least)) {
      const cost = costOf(error, own);
      expect.soft(cost, `scipy at ${rtol}, error ${error}`).toBeLessThanOrEqual(1.05 * evaluations);
    }
  });
});
