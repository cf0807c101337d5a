/** The README's example, with what it says that it prints. */
import { readFileSync } from 'node:fs';
import { reference } from '@neuralode/backend-reference';
import * as solvers from '@neuralode/solvers';
import { everyStep, odeint, type PlainField, solveIvp } from '@neuralode/solvers';
import { setBackend, stack, type Tensor, tensor } from '@neuralode/tensor';
import { expect, it } from 'vitest';

it('gives what the README says', async () => {
  await setBackend(reference());
  const lorenz = (_: Tensor, y: Tensor): Tensor => {
    const [a, b, c] = [y.at(0), y.at(1), y.at(2)];
    return stack([b.sub(a).mul(10), a.mul(c.neg().add(28)).sub(b), a.mul(b).sub(c.mul(8 / 3))]);
  };
  const { ys, stats } = await odeint(lorenz, tensor([1, 1, 1]), [0, 0.5, 1]);
  const [, , last] = (await ys.array()) as number[][];
  const text = `[${last.map((value) => value.toFixed(3)).join(', ')}], ${stats.nfe}`;
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`// ${text}\n`);
  // Lorenz at t = 1 from (1, 1, 1), by a solve at 1e-12 of scipy's DOP853
  expect(last[2]).toBeCloseTo(29.3623, 3);
});

it('gives what the README says on plain numbers', () => {
  const lorenz: PlainField<number[]> = (_, [x, y, z]) => [
    10 * (y - x),
    x * (28 - z) - y,
    x * y - (8 / 3) * z,
  ];
  const { ts, stats, at } = solveIvp(lorenz, [1, 1, 1], [0, 20], {
    rtol: 1e-8,
    atol: 1e-8,
    output: everyStep(),
    dense: true,
  });
  const text = [
    ts.length,
    stats.nfe,
    `[${at(1)
      .map((value) => value.toFixed(3))
      .join(', ')}]`,
  ];
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`// ${text.join(' ')}\n`);
});

it('bounces the ball of the README', () => {
  const { events, at } = solveIvp<number[]>((_, [, v]) => [v, -9.81], [10, 0], [0, 5], {
    events: { when: (_, [y]) => y, direction: -1, change: (_, [, v]) => [0, -0.8 * v] },
    dense: true,
  });
  const times = events.map(({ t }) => t.toFixed(4)).join(' ');
  const state = `[${at(2)
    .map((value) => value.toFixed(3))
    .join(', ')}]`;
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`// ${times} ${state}\n`);
});

it('names what the package exports', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const missing = Object.keys(solvers).filter((name) => !readme.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});

it('solves a batch as the README does', async () => {
  await setBackend(reference());
  const decay = (t: Tensor, y: Tensor): Tensor => y.mul(t.cos()).neg();
  const ts = [
    [0, 1],
    [0, 5],
    [2, 9],
  ];
  const { ys, stats } = await odeint(decay, tensor([1, 2, 3]), ts, { batched: true });
  expect(ys.shape).toEqual([2, 3]);
  expect(stats.rows).toHaveLength(3);
  const exact = ts.map(([a, b], i) => (i + 1) * Math.exp(Math.sin(a) - Math.sin(b)));
  const [, last] = (await ys.array()) as number[][];
  last.forEach((value, i) => {
    expect(Math.abs(value / exact[i] - 1)).toBeLessThan(1e-5);
  });
});
