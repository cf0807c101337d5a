/** Bytes of a training step, on the backend whose buffers are counted one by one. */
import { odenet, resnet, rknet } from '@neuralode/odenet';
import { rk4 } from '@neuralode/solvers';
import { expect, test } from 'vitest';
import { blockCounts, networksOf, tolerances } from '../src/paper/memory/memory.ts';
import { memoryPage } from '../src/paper/memory/memory-page.ts';
import { madeUp, type StepNetwork, stepMemory } from '../src/paper/memory/step-memory.ts';

const small = { channels: 2, picture: [12, 12, 1] } as const;

async function sizesOf<T>(depths: readonly T[], network: (depth: T) => unknown): Promise<number[]> {
  const sizes: number[] = [];
  for (const depth of depths) {
    const make = () => network(depth) as ReturnType<StepNetwork['network']>;
    const step = await stepMemory({ network: make, backend: 'reference', ...madeUp(2, 0) });
    sizes.push(step.peakBytes);
  }
  return sizes;
}

const growth = (sizes: readonly number[]): number[] =>
  sizes.slice(1).map((size, i) => size - sizes[i]!);

test('grow with blocks and with steps kept, by as much each time, and not with the adjoint', async () => {
  const byBlocks = growth(await sizesOf([16, 20, 24], (blocks) => resnet({ ...small, blocks })));
  // a block keeps at least what its two convolutions take: pictures of 3 × 3 and 2 channels
  expect(byBlocks[0]).toBeGreaterThan(4 * 2 * (2 * 9 * 2) * 8);
  expect(byBlocks[1]).toBe(byBlocks[0]);

  const block = (steps: number) => ({ solver: rk4(), stepSize: 1 / steps });
  const counts = [8, 16, 24];
  const kept = growth(await sizesOf(counts, (n) => rknet({ ...small, block: block(n) })));
  // eight steps of four evaluations keep at least what two convolutions take
  expect(kept[0]).toBeGreaterThan(8 * 4 * 2 * (2 * 9 * 2) * 8);
  expect(kept[1]! / kept[0]!).toBeCloseTo(1, 2);

  const flat = await sizesOf(counts, (n) => odenet({ ...small, block: block(n) }));
  // but for scalars that watch for overflow, which are looked at every 16 steps
  expect(Math.max(...flat) - Math.min(...flat)).toBeLessThan(100);
});

test('the page compares three depths and six tolerances, and says what grows', () => {
  const networks = networksOf(8);
  expect(networks.map(({ model, depth }) => [model, depth])).toEqual([
    ...blockCounts.map((blocks) => ['ResNet', blocks]),
    ...tolerances.map((tolerance) => ['RK-Net', tolerance]),
    ...tolerances.map((tolerance) => ['ODE-Net', tolerance]),
  ]);
  const rows = networks.map(({ model, depth }) => {
    const forward = model === 'ResNet' ? 0 : -20 * Math.log10(depth);
    const bytes = { ResNet: 1e6 * depth, 'RK-Net': 2e6 * forward, 'ODE-Net': 5e6 }[model];
    return { model, depth, peakBytes: bytes, evaluations: { forward, backward: forward } };
  });
  const page = memoryPage({
    seed: 0,
    scales: [
      { backend: 'simd', channels: 64, batch: 128, rows },
      { backend: 'reference', channels: 8, batch: 4, rows },
    ],
  });
  const text = page.paragraphs.join('\n');
  expect(text).toContain('grows with its blocks (1.000 MB each');
  expect(text).toContain('evaluations of its solve (2.000 MB each, 100.0 %)');
  expect(text).toContain('RK-Net’s peak grows by a factor of 6.00');
  expect(text).toContain('ODE-Net’s by 1.00');
  expect(text).toContain('from 40 to 240');
  expect(page.tables[0]!.rows[0]).toEqual(['ResNet', '6', '6.0', '–', '6.00', '–']);
});
