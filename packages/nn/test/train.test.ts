/** The training loop: that it learns, repeats itself, cleans up, stops, and says what went wrong. */
import { reference } from '@neuralode/backend-reference';
import { adam, type DenseParams, dense, mlp, sgd, train, TrainingError } from '@neuralode/nn';
import {
  disposeTree,
  memory,
  type Random,
  random,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';

beforeEach(() => setBackend(reference()));

const line = dense(1, 1);
const lineLoss = (p: DenseParams, { x, y }: { x: Tensor; y: Tensor }): Tensor =>
  line.apply(p, x).sub(y).square().mean();

/** Noisy points of y = 3 x − 1. */
const points = (_iteration: number, rng: Random): { x: Tensor; y: Tensor } => {
  const x = rng.uniform([8, 1], -1, 1);
  const noise = rng.normal([8, 1], 0, 0.01);
  const scaled = x.mul(3);
  const shifted = scaled.sub(1);
  const y = shifted.add(noise);
  disposeTree([noise, scaled, shifted]);
  return { x, y };
};

const numbers = (p: DenseParams): number[] => [
  ...p.weight.dataSync(),
  ...(p.bias?.dataSync() ?? []),
];

describe('train', () => {
  it('learns a line from noisy points', async () => {
    const losses: number[] = [];
    const result = await train({
      params: line.init(random(0)),
      optimiser: adam({ learningRate: 0.1 }),
      batch: points,
      loss: lineLoss,
      iterations: 200,
      onIteration: ({ loss }) => void losses.push(loss),
    });
    expect(numbers(result.params)).toEqual([expect.closeTo(3, 1), expect.closeTo(-1, 1)]);
    expect(losses).toHaveLength(200);
    expect(result.loss).toBe(losses.at(-1));
    expect(result.loss).toBeLessThan(1e-3);
    expect(result).toMatchObject({ iteration: 200, stopped: 'completed' });
  });

  it('is gradient descent: on w² with rate r, w shrinks by 1 − 2 r each time', async () => {
    const seen: unknown[] = [];
    const { params } = await train({
      params: tensor(3),
      optimiser: sgd({ learningRate: 0.1 }),
      batch: [],
      loss: (w) => w.square(),
      iterations: 4,
      onIteration: ({ iteration, iterations, loss }) =>
        void seen.push([iteration, iterations, loss]),
    });
    expect(params.itemSync()).toBeCloseTo(3 * 0.8 ** 4, 12);
    expect(seen).toEqual([0, 1, 2, 3].map((n) => [n + 1, 4, expect.closeTo(9 * 0.64 ** n, 12)]));
  });

  it('gives the same numbers for the same seed, others for another', async () => {
    const run = async (seed?: number): Promise<number[]> => {
      const { params } = await train({
        params: line.init(random(0)),
        optimiser: adam(),
        batch: points,
        loss: lineLoss,
        iterations: 3,
        ...(seed !== undefined && { seed }),
      });
      return numbers(params);
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run()).toEqual(await run(0));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it('tells batch how many iterations came before, and waits for it', async () => {
    const asked: number[] = [];
    await train({
      params: tensor(1),
      optimiser: sgd({ learningRate: 0.1 }),
      batch: async (iteration) => {
        asked.push(iteration);
        await new Promise((resolve) => setTimeout(resolve, 1));
        return tensor(iteration);
      },
      loss: (w, x: Tensor) => w.mul(x),
      iterations: 3,
    });
    expect(asked).toEqual([0, 1, 2]);
  });

  it('takes a constant batch, which stays the caller’s', async () => {
    const batch = { x: tensor([[1]]), y: tensor([[2]]) };
    const { loss } = await train({
      params: line.init(random(0)),
      optimiser: adam({ learningRate: 0.1 }),
      batch,
      loss: lineLoss,
      iterations: 300,
    });
    expect(loss).toBeLessThan(1e-6);
    expect(batch.x.disposed).toBe(false);
  });

  it('hands on what the loss reports besides, until the callback is done', async () => {
    const kept: Tensor[] = [];
    const read: number[] = [];
    await train({
      params: tensor(3),
      optimiser: sgd({ learningRate: 0 }),
      batch: tensor(2),
      loss: (w, x) => [w.square(), { product: w.mul(x), name: 'kept' }] as const,
      iterations: 2,
      onIteration: async ({ aux }) => {
        kept.push(aux.product);
        read.push(await aux.product.item());
        expect(aux.name).toBe('kept');
      },
    });
    expect(read).toEqual([6, 6]);
    expect(kept.every(({ disposed }) => disposed)).toBe(true);
  });

  it('runs nothing for no iterations, and returns tensors of its own', async () => {
    const params = line.init(random(0));
    const result = await train({
      params,
      optimiser: adam(),
      batch: points,
      loss: lineLoss,
      iterations: 0,
    });
    expect(numbers(result.params)).toEqual(numbers(params));
    disposeTree(result.params);
    expect(params.weight.disposed).toBe(false);
    expect(result).toMatchObject({ iteration: 0, stopped: 'completed', loss: Number.NaN });
  });

  it('works on a device that cannot be read at once', async () => {
    const { readSync: _, ...backend } = reference();
    await setBackend(backend);
    const { loss } = await train({
      params: line.init(random(0)),
      optimiser: adam({ learningRate: 0.1 }),
      batch: points,
      loss: lineLoss,
      iterations: 200,
    });
    expect(loss).toBeLessThan(1e-3);
  });

  it('refuses numbers of iterations that are none, and nothing to start from', async () => {
    const rest = { optimiser: adam(), batch: points, loss: lineLoss };
    await expect(train({ ...rest, params: line.init(random(0)), iterations: 1.5 })).rejects.toThrow(
      /number of iterations; got 1.5/,
    );
    await expect(train({ ...rest, iterations: 1 })).rejects.toThrow(/nothing to start from/);
  });
});

describe('memory', () => {
  const net = mlp([1, 8, 1]);
  const netLoss = (p: readonly DenseParams[], { x, y }: { x: Tensor; y: Tensor }) => {
    const predicted = net.apply(p, x);
    return [predicted.sub(y).square().mean(), { predicted }] as const;
  };

  it('holds after any iteration what it held after the first', async () => {
    const live: unknown[] = [];
    const params = net.init(random(0));
    const before = memory().liveBuffers;
    const result = await train({
      params,
      optimiser: adam(),
      batch: points,
      loss: netLoss,
      iterations: 50,
      onIteration: () => {
        const { liveBuffers, liveBytes } = memory();
        live.push([liveBuffers, liveBytes]);
      },
    });
    expect(new Set(live.map(String)).size).toBe(1);
    disposeTree([result.params, result.optimiser]);
    // literals that the recording keeps, if any, are not the loop's
    expect(memory().liveBuffers).toBe(before);
    expect(net.apply(params, tensor([[1]])).dataSync()).toHaveLength(1);
  });

  it.each([
    [
      'the loss throws',
      {
        loss: () => {
          throw new Error('broken');
        },
      },
    ],
    [
      'the loss is not finite',
      { loss: (p: readonly DenseParams[]) => p[0].weight.sum().mul(Number.NaN) },
    ],
    [
      'batch throws',
      {
        batch: () => {
          throw new Error('broken');
        },
      },
    ],
    [
      'onIteration throws',
      {
        onIteration: () => {
          throw new Error('broken');
        },
      },
    ],
    [
      'validation throws',
      {
        validation: {
          every: 1,
          measure: () => {
            throw new Error('broken');
          },
        },
      },
    ],
  ])('is given back where %s', async (_what, broken) => {
    const params = net.init(random(0));
    const before = memory().liveBuffers;
    const options = {
      params,
      optimiser: adam(),
      batch: points,
      loss: netLoss,
      iterations: 3,
      ...broken,
    };
    const error = await train(options as Parameters<typeof train>[0]).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    if (error instanceof TrainingError) disposeTree([error.state.params, error.state.optimiser]);
    expect(memory().liveBuffers).toBe(before);
  });

  it('keeps the tensors of batches with keepBatches, and says so without', async () => {
    const batches = [tensor([[1]]), tensor([[2]])];
    const options = {
      params: line.init(random(0)),
      optimiser: adam(),
      batch: (iteration: number) => ({ x: batches[iteration % 2], y: batches[0] }),
      loss: lineLoss,
      iterations: 4,
    };
    await train({ ...options, keepBatches: true });
    expect(batches[0].disposed).toBe(false);
    await expect(train(options)).rejects.toThrow(
      /iteration 2 failed: the batch holds a tensor that has been disposed of, at y. .*keepBatches: true/,
    );
  });
});
