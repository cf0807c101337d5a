/** How training ends before its time: by a signal, a number that is none, or an error; and what validation keeps. */
import { reference } from '@neuralode/backend-reference';
import { sgd, train, TrainingError, type TrainingProgress } from '@neuralode/nn';
import {
  type Backend,
  disposeTree,
  setBackend,
  ShapeError,
  type Tensor,
  tensor,
  where,
} from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';

beforeEach(() => setBackend(reference()));

describe('stopping', () => {
  const forever = {
    params: tensorLater,
    optimiser: sgd({ learningRate: 0.1 }),
    batch: [],
    loss: (w: Tensor) => w.square(),
    iterations: 1e9,
  };
  function tensorLater(): Tensor {
    return tensor(1);
  }

  it('ends after the current iteration with what it has', async () => {
    const controller = new AbortController();
    const result = await train({
      ...forever,
      params: forever.params(),
      signal: controller.signal,
      onIteration: ({ iteration }) => {
        if (iteration === 3) controller.abort();
      },
    });
    expect(result).toMatchObject({ iteration: 3, stopped: 'aborted' });
    expect(result.params.itemSync()).toBeCloseTo(0.8 ** 3, 12);
  });

  it('does not begin under a signal that is aborted already', async () => {
    const result = await train({
      ...forever,
      params: forever.params(),
      signal: AbortSignal.abort(),
    });
    expect(result).toMatchObject({ iteration: 0, stopped: 'aborted' });
  });

  it('is complete where the signal comes with the last iteration', async () => {
    const controller = new AbortController();
    const result = await train({
      ...forever,
      params: forever.params(),
      iterations: 2,
      signal: controller.signal,
      onIteration: ({ iteration }) => {
        if (iteration === 2) controller.abort();
      },
    });
    expect(result.stopped).toBe('completed');
  });

  it('lets a timer stop it, though it waits for nothing', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    // some seconds of iterations: were the timer never let in, the run would end complete
    const iterations = 30_000;
    const { signal } = controller;
    const result = await train({ ...forever, params: forever.params(), iterations, signal });
    expect(result.stopped).toBe('aborted');
  });
});

describe('failure', () => {
  /** Fine for three iterations, then not. */
  const failing = (bad: number) => ({
    params: { w: tensor([1, 2]) },
    optimiser: sgd({ learningRate: 0.1 }),
    batch: (iteration: number) => tensor(iteration < 3 ? 1 : bad),
    iterations: 10,
  });

  const errorOf = async (run: Promise<unknown>): Promise<TrainingError> => {
    const error = await run.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(TrainingError);
    return error as TrainingError;
  };

  it.each([
    [Number.NaN, -1],
    [Number.NEGATIVE_INFINITY, 0],
  ])('names the iteration of a loss of %s', async (bad, logged) => {
    const error = await errorOf(
      train({ ...failing(logged), loss: ({ w }, x: Tensor) => w.square().sum().add(x.log()) }),
    );
    expect(error.message).toMatch(`the loss of iteration 4 is ${bad}`);
    expect(error.message).toMatch(/Lower the learning rate/);
    expect(error.iteration).toBe(4);
    expect(error.state.iteration).toBe(3);
    const { w } = error.state.params as { w: Tensor };
    expect([...w.dataSync()]).toEqual(
      [0.8 ** 3, 2 * 0.8 ** 3].map((value) => expect.closeTo(value, 12)),
    );
  });

  it.each([
    ['in row 1, column 0 of x', () => ({ x: tensor([[0], [Number.NaN]]), y: tensor([1, 2]) })],
    ['in row 0 of y', () => ({ x: tensor([[0], [1]]), y: tensor([Number.NaN, 2]) })],
    ['in row 2, at [1, 0] of x', () => ({ x: images(), y: tensor([1, 2, 3]) })],
  ])('names the place of a NaN in the data: %s', async (place, batch) => {
    for (const given of [batch(), batch]) {
      const error = await errorOf(
        train({
          ...failing(1),
          batch: given as ReturnType<typeof batch>,
          loss: ({ w }, { x, y }: { x: Tensor; y: Tensor }) =>
            w.square().sum().mul(x.sum()).mul(y.sum()),
        }),
      );
      expect(error.message).toMatch(
        `the loss of iteration 1 is NaN; got NaN ${place}; expected finite numbers in the batch. Drop or fill such rows`,
      );
    }
  });

  function images(): Tensor {
    const values = Array.from({ length: 12 }, (_, i) => (i === 10 ? Number.NaN : i));
    return tensor(values, [3, 2, 2]);
  }

  it('does not look at what the loss leaves out, as long as all is well', async () => {
    const mask = tensor([true, false]);
    const { iteration } = await train({
      ...failing(1),
      batch: { x: tensor([1, Number.NaN]) },
      loss: ({ w }, { x }) => where(mask, x, 0).mul(w).sum(),
      iterations: 2,
    });
    expect(iteration).toBe(2);
  });

  it('sees a gradient that is not finite before it reaches the parameters', async () => {
    const error = await errorOf(
      train({
        ...failing(0),
        // √0 is 0, its slope infinite
        loss: ({ w }, x: Tensor) => w.mul(x).abs().sum().sqrt().add(w.sum().mul(x)),
      }),
    );
    expect(error.message).toMatch(/the gradient of iteration 4 is not finite \(its loss is 0\)/);
    const { w } = error.state.params as { w: Tensor };
    expect([...w.dataSync()].every(Number.isFinite)).toBe(true);
  });

  it('keeps the cause, and the state to go on from', async () => {
    const options = failing(1);
    const error = await errorOf(
      train({
        ...options,
        batch: (iteration) => (iteration < 3 ? tensor([1, 1]) : tensor([1, 1, 1])),
        loss: ({ w }, x: Tensor) => w.mul(x).sum(),
      }),
    );
    expect(error.message).toMatch(/^train: iteration 4 failed: mul: shapes do not broadcast/);
    expect(error.cause).toBeInstanceOf(ShapeError);
    const { iteration } = await train({
      ...options,
      from: error.state,
      loss: ({ w }) => w.square().sum(),
    });
    expect(iteration).toBe(10);
  });
});

describe('validation', () => {
  it('scores every so often and keeps the best parameters', async () => {
    const scores: [number, number | undefined][] = [];
    const result = await train({
      params: tensor(0),
      optimiser: sgd({ learningRate: 1 }),
      batch: [],
      // a constant slope: w is the number of iterations done
      loss: (w: Tensor) => w.neg(),
      iterations: 9,
      validation: { every: 2, measure: async (w) => ((await w.item()) - 5) ** 2 },
      onIteration: ({ iteration, validation }: TrainingProgress<Tensor, unknown, unknown>) =>
        void scores.push([iteration, validation]),
    });
    const at = (n: number): number | undefined => (n % 2 === 0 ? (n - 5) ** 2 : undefined);
    expect(scores).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, at(n)]));
    expect(result.best).toMatchObject({ score: 1, iteration: 4 });
    expect(result.best?.params.itemSync()).toBe(4);
    expect(result.params.itemSync()).toBe(9);
  });

  it('frees the parameters that were best before', async () => {
    const before: Backend = await setBackend(reference());
    const result = await train({
      params: tensor(0),
      optimiser: sgd({ learningRate: 1 }),
      batch: [],
      loss: (w: Tensor) => w.neg(),
      iterations: 6,
      validation: { every: 1, measure: async (w) => -(await w.item()) },
    });
    disposeTree([result.params, result.optimiser, result.best?.params]);
    expect(before.memory().liveBuffers).toBe(1); // the caller's
  });

  it('refuses an interval that is none', async () => {
    const run = train({
      params: tensor(0),
      optimiser: sgd({ learningRate: 1 }),
      batch: [],
      loss: (w: Tensor) => w.neg(),
      iterations: 1,
      validation: { every: 0, measure: () => 0 },
    });
    await expect(run).rejects.toThrow(/validation.every; got 0; expected a positive integer/);
  });
});
