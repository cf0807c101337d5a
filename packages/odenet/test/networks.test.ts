/** The four networks: the paper's numbers of parameters, and torch's scores and gradients with the same weights. */
import { readFileSync } from 'node:fs';
import { valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  type Classifier,
  correctCount,
  crossEntropy,
  mlp,
  odenet,
  parameterCount,
  resnet,
  rknet,
} from '@neuralode/odenet';
import { euler, rk38, rk4, type SolveStats } from '@neuralode/solvers';
import {
  evaluate,
  leavesWithPaths,
  random,
  setBackend,
  ShapeError,
  tensor,
  zeros,
} from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';

await setBackend(reference());

interface Case {
  readonly downsampling: 'convolutions' | 'residual';
  readonly params: unknown;
  readonly pictures: number[][][][];
  readonly labels: number[];
  readonly scores: number[][];
  readonly loss: number;
  readonly gradients: unknown;
}
const torch: { resnet: Case; odenet: Case; adjoint: Case } = JSON.parse(
  readFileSync(new URL('./reference/networks.json', import.meta.url), 'utf8'),
);

/** The numbers of the file as tensors, by the structure of a network's parameters. */
function tensorsOf<P>(like: P, values: unknown): P {
  if (Array.isArray(like)) {
    return like.map((each, i) => tensorsOf(each, (values as unknown[])[i])) as P;
  }
  if (leavesWithPaths(like)[0]?.path === '') return tensor(values as number[]) as P;
  const entries = Object.entries(like as object);
  return Object.fromEntries(
    entries.map(([name, each]) => [
      name,
      tensorsOf(each, (values as Record<string, unknown>)[name]),
    ]),
  ) as P;
}

const small = { picture: [14, 14, 1], classes: 3, channels: 4 } as const;
const tight = { rtol: 1e-8, atol: 1e-8 };

describe('torch, with the same weights', () => {
  const eighths = { solver: rk38(), stepSize: 1 / 8 };
  const networks: [string, Case, Classifier<never>][] = [
    ['resnet', torch.resnet, resnet({ ...small, blocks: 2, downsampling: 'residual' }) as never],
    ['rknet, through the steps', torch.odenet, rknet({ ...small, block: eighths }) as never],
    ['odenet, by the adjoint', torch.adjoint, odenet({ ...small, block: eighths }) as never],
  ];
  const exact = 1e-11;
  it.each(networks)('%s gives its scores, loss and gradients', async (_, known, network) => {
    const params = tensorsOf(network.init(random(0)), known.params) as never;
    const pictures = tensor(known.pictures);
    const labels = tensor(known.labels, [2], { dtype: 'int32' });
    const scores = await evaluate(() => network.apply(params, pictures));
    expect(scores.sub(tensor(known.scores)).abs().max().itemSync()).toBeLessThan(exact);
    const loss = valueAndGrad((p: never) => crossEntropy(network.apply(p, pictures), labels));
    const { value, grads } = await loss(params);
    expect(Math.abs(value.itemSync() - known.loss)).toBeLessThan(exact);
    const wanted = leavesWithPaths(tensorsOf(params, known.gradients));
    for (const [i, { path, tensor: gradient }] of leavesWithPaths(grads).entries()) {
      const error = gradient.sub(wanted[i]!.tensor).abs().max().itemSync();
      expect(error, path).toBeLessThan(exact);
    }
  });
});

describe('numbers of parameters', () => {
  const count = <P>(network: Classifier<P>): number => parameterCount(network.init(random(0)));
  it('are those of the authors’ example, and of table 1 as far as it gives them', () => {
    expect(count(mlp())).toBe(238_510);
    expect(count(odenet())).toBe(208_266);
    expect(count(rknet())).toBe(208_266);
    expect(count(odenet({ downsampling: 'residual' }))).toBe(232_970);
    expect(count(resnet())).toBe(576_778);
    expect(count(resnet({ downsampling: 'residual' }))).toBe(601_482);
  });
});

describe('tolerance and solver of a trained network', () => {
  const network = odenet({ ...small, block: { rtol: 1e-3, atol: 1e-3 } });
  const params = network.init(random(4));
  const pictures = random(5).uniform([3, 14, 14, 1]);

  it('are chosen anew at each call: tighter ones cost more and err less', async () => {
    const exact = await evaluate(() => network.apply(params, pictures, tight));
    const errors: number[] = [];
    const evaluations: number[] = [];
    for (const tolerance of [1e-2, 1e-4, 1e-6]) {
      const onSolve = ({ nfe }: SolveStats) => evaluations.push(nfe);
      const solve = { rtol: tolerance, atol: tolerance, onSolve };
      const scores = await evaluate(() => network.apply(params, pictures, solve));
      errors.push(scores.sub(exact).abs().max().itemSync());
    }
    expect(evaluations[2]).toBeGreaterThan(evaluations[0]!);
    expect(errors[2]).toBeLessThan(errors[0]!);
    expect(errors[2]).toBeLessThan(1e-4);
    const byRk4 = await evaluate(() =>
      network.apply(params, pictures, { solver: rk4(), stepSize: 1 / 64 }),
    );
    expect(byRk4.sub(exact).abs().max().itemSync()).toBeLessThan(1e-4);
  });

  it('decide its depth: the accepted steps, from the start to the end', async () => {
    const loose = await network.depth(params, pictures);
    const fine = await network.depth(params, pictures, { rtol: 1e-7, atol: 1e-7 });
    expect([loose.times[0], loose.times.at(-1)]).toEqual([0, 1]);
    expect(loose.times).toHaveLength(loose.stats.accepted + 1);
    expect(fine.times.length).toBeGreaterThan(loose.times.length);
    const { times } = await network.depth(params, pictures, { solver: euler(), stepSize: 0.25 });
    expect(times).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });
});

describe('classification', () => {
  it('crossEntropy of equal scores is log(classes), and accuracy counts the largest', async () => {
    const labels = tensor([1, 2], [2], { dtype: 'int32' });
    expect(crossEntropy(zeros([2, 3]), labels).itemSync()).toBeCloseTo(Math.log(3), 14);
    const scores = tensor([
      [0, 5, 1],
      [3, 2, 1],
    ]);
    expect(correctCount(scores, labels).itemSync()).toBe(1);
    expect(() => crossEntropy(scores, tensor([1], [1], { dtype: 'int32' }))).toThrow(ShapeError);
  });

  it('refuses pictures that a network was not made for', () => {
    const network = mlp();
    const params = network.init(random(0));
    expect(() => network.apply(params, zeros([2, 32, 32, 1]))).toThrow(
      /not made for these pictures; got \[2, 32, 32, 1\]; expected \[batch, 28, 28, 1\]/,
    );
  });
});
