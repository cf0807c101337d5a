/** The experiment with augmented ODE-Nets, made small. */
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import { random, setBackend, tensor } from '@neuralode/tensor';
import { describe, expect, test } from 'vitest';
import { flowPanels } from '../src/paper/augmented/flow-panels.ts';
import { smoothL1, trainFlow } from '../src/paper/augmented/flow-training.ts';
import { reflection, spheres } from '../src/paper/augmented/problems.ts';

describe('the problems', () => {
  test('send each point of the line to its opposite', () => {
    const { points, targets } = reflection.draw(random(1));
    expect([...targets]).toEqual([...points].map((x) => -x));
    const sizes = points.map(Math.abs);
    expect([Math.min(...sizes) >= 0.9, Math.max(...sizes) <= 1.1]).toEqual([true, true]);
    // on both sides, or a plain ODE could learn it
    expect(points.filter((x) => x > 0)).toHaveLength(500);
  });

  test('tell 500 points of the disc from 1500 of the ring, uniform over their areas', () => {
    const { points, targets, count } = spheres.draw(random(2));
    const radius = (i: number) => Math.hypot(points[2 * i]!, points[2 * i + 1]!);
    const radii = Array.from({ length: count }, (_, i) => radius(i));
    const disc = radii.filter((_, i) => targets[i] === -1);
    const ring = radii.filter((_, i) => targets[i] === 1);
    expect([disc.length, ring.length]).toEqual([500, 1500]);
    expect(Math.max(...disc)).toBeLessThanOrEqual(0.5);
    expect([Math.min(...ring) >= 1, Math.max(...ring) <= 1.5]).toEqual([true, true]);
    // of a uniform density: the mean of r² is half the sum of the squared radii; five standard errors
    const mean = (values: number[]) => values.reduce((sum, r) => sum + r * r, 0) / values.length;
    expect(Math.abs(mean(disc) - 0.125)).toBeLessThan((5 * 0.25) / Math.sqrt(12 * 500));
    expect(Math.abs(mean(ring) - 1.625)).toBeLessThan((5 * 1.25) / Math.sqrt(12 * 1500));
  });
});

test('smoothL1 is a parabola up to 1, and a line of slope 1 beyond', async () => {
  await setBackend(reference());
  const x = [-3, -1, -0.5, 0, 0.25, 1, 1.5];
  const wanted = [2.5, 0.5, 0.125, 0, 0.03125, 0.5, 1];
  expect(await smoothL1(tensor(x)).array()).toEqual(wanted);
});

describe('a training', () => {
  test('of g(x) = −x succeeds with a further dimension only', async () => {
    await setBackend(simd());
    const task = { problem: reflection, seed: 0, epochs: 25 };
    const plain = await trainFlow({ ...task, augment: 0 });
    const augmented = await trainFlow({ ...task, augment: 1 });
    expect(plain.epochMeans.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: 25 }, (_, i) => i + 1),
    );
    // what keeps the order has at best the constant 0's loss, 0.5 but for the points' spread
    expect(plain.heldLoss).toBeGreaterThan(0.49);
    expect(augmented.heldLoss).toBeLessThan(0.01);
    // dopri5 asks for six evaluations a step, and two more to begin
    expect(plain.epochMeans[0]!.evaluations).toBeGreaterThanOrEqual(8);
    // the order of a plain one's paths stays from one time to the next; an augmented one turns it round
    const order = (paths: typeof plain.paths, at: number): number[] =>
      [...paths.keys()].sort((a, b) => paths[a]!.states.at(at)![0]! - paths[b]!.states.at(at)![0]!);
    const side = (paths: typeof plain.paths, at: number): boolean[] =>
      order(paths, at).map((i) => paths[i]!.target < 0);
    const outer = (sides: boolean[]) => [sides[0], sides.at(-1)];
    for (const at of [0, 10, 20]) expect(outer(side(plain.paths, at))).toEqual([false, true]);
    expect(outer(side(augmented.paths, 0))).toEqual([false, true]);
    expect(outer(side(augmented.paths, -1))).toEqual([true, false]);
    const panels = flowPanels(reflection, [plain, augmented]);
    expect(panels.map(({ svg }) => svg.match(/<circle/g)?.length)).toEqual([60, 60, 60]);
  });
});
