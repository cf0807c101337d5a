/** Interrupted training: a run that goes on is the run that was never stopped, through bytes too. */
import { reference } from '@neuralode/backend-reference';
import {
  adam,
  CheckpointError,
  checkpointOf,
  clipByGlobalNorm,
  cosineDecay,
  decodeSafetensors,
  decodeTrainedParams,
  decodeTrainingState,
  encodeSafetensors,
  encodeTrainingState,
  mlp,
  sgd,
  train,
  type TrainOptions,
} from '@neuralode/nn';
import {
  disposeTree,
  leavesWithPaths,
  memory,
  type Random,
  random,
  setBackend,
  type Tensor,
} from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';

await setBackend(reference());

const model = mlp([2, 5, 1]);
type Params = ReturnType<typeof model.init>;

const optimiser = clipByGlobalNorm(
  1,
  adam({ learningRate: cosineDecay({ start: 0.1, over: 20 }) }),
);
type State = ReturnType<typeof optimiser.init>;

const options: TrainOptions<Params, State, Tensor, undefined> = {
  optimiser,
  batch: (_iteration: number, rng: Random) => rng.normal([4, 2]),
  loss: (params, x) => model.apply(params, x).sub(x.sum(1, true).sin()).square().mean(),
  iterations: 20,
  validation: {
    every: 3,
    measure: async (params) => Math.sin((await params[0].weight.data())[0] * 100),
  },
};

const bitsOf = (tree: unknown): [string, ArrayLike<number>][] =>
  leavesWithPaths(tree).map(({ path, tensor }) => [path, tensor.dataSync()]);

const start = (): Params => model.init(random(5));

describe('a continued run', () => {
  it.each([1, 7, 12, 19])(
    'interrupted after iteration %i is bit for bit the whole one',
    async (stop) => {
      const whole = await train({ ...options, params: start(), seed: 3 });
      const part = await train({ ...options, params: start(), seed: 3, iterations: stop });
      const bytes = await encodeTrainingState(part);
      const from = decodeTrainingState(bytes, { params: start(), optimiser });
      for (const state of [part, from]) {
        const rest = await train({ ...options, from: state });
        expect(bitsOf([rest.params, rest.optimiser, rest.best?.params])).toEqual(
          bitsOf([whole.params, whole.optimiser, whole.best?.params]),
        );
        expect(rest.best?.score).toBe(whole.best?.score);
        expect([rest.iteration, rest.random, rest.loss]).toEqual([20, whole.random, whole.loss]);
      }
    },
  );

  it('leaves the state that it starts from alone, and is done at once where nothing is left', async () => {
    const part = await train({ ...options, params: start(), iterations: 6 });
    const before = bitsOf([part.params, part.optimiser]);
    const rest = await train({ ...options, from: part });
    expect(bitsOf([part.params, part.optimiser])).toEqual(before);
    const same = await train({ ...options, from: rest, iterations: 5 });
    expect(bitsOf(same.params)).toEqual(bitsOf(rest.params));
    expect(same).toMatchObject({ iteration: 20, stopped: 'completed' });
  });

  it('can be saved from within the callback', async () => {
    let saved: Promise<Uint8Array> | undefined;
    const whole = await train({
      ...options,
      params: start(),
      onIteration: async ({ iteration, state }) => {
        if (iteration !== 10) return;
        saved = encodeTrainingState(state);
        await saved;
      },
    });
    const from = decodeTrainingState((await saved) as Uint8Array, { params: start(), optimiser });
    expect(from.iteration).toBe(10);
    const rest = await train({ ...options, from });
    expect(bitsOf(rest.params)).toEqual(bitsOf(whole.params));
  });
});

describe('saved runs', () => {
  it('carry metadata of the caller', async () => {
    const part = await train({ ...options, params: start(), iterations: 1 });
    const bytes = await encodeTrainingState(part, { model: '{"widths":[2,5,1]}' });
    expect(decodeSafetensors(bytes).metadata.model).toBe('{"widths":[2,5,1]}');
    expect(await encodeTrainingState(part)).toEqual(await encodeTrainingState(part));
  });

  it('give their parameters alone: the last ones, or the best', async () => {
    const part = await train({ ...options, params: start(), iterations: 2 });
    expect(bitsOf(decodeTrainedParams(await encodeTrainingState(part), start()))).toEqual(
      bitsOf(part.params),
    );
    const whole = await train({ ...options, params: start() });
    expect(whole.best?.iteration).not.toBe(20);
    const best = decodeTrainedParams(await encodeTrainingState(whole), start());
    expect(bitsOf(best)).toEqual(bitsOf(whole.best?.params));
  });

  it('of another model or optimiser are refused by name, and nothing is left behind', async () => {
    const bytes = await encodeTrainingState(
      await train({ ...options, params: start(), iterations: 1 }),
    );
    const wider = mlp([2, 6, 1]).init(random(0));
    const like = start();
    const before = memory().liveBuffers;
    expect(() => decodeTrainingState(bytes, { params: wider, optimiser })).toThrow(
      /another model; it differs first at optimiser.mean\[0\].bias; got float64\[5\]; expected float64\[6\]/,
    );
    expect(() => decodeTrainedParams(bytes, wider)).toThrow(/first at params\[0\].bias/);
    const plain = sgd({ learningRate: 1 });
    expect(() => decodeTrainingState(bytes, { params: like, optimiser: plain })).toThrow(
      /first at optimiser.mean\[0\].bias; got float64\[5\]; expected nothing/,
    );
    expect(memory().liveBuffers).toBe(before);
    const state = decodeTrainingState(bytes, { params: like, optimiser });
    disposeTree([state.params, state.optimiser]);
    expect(memory().liveBuffers).toBe(before);
  });

  it('without counters, or with others, are no training runs', async () => {
    const params = start();
    const tensors = await checkpointOf({ params, optimiser: optimiser.init(params) });
    const read = (metadata: Record<string, string>) => () =>
      decodeTrainingState(encodeSafetensors(tensors, metadata), { params: start(), optimiser });
    expect(read({})).toThrow(CheckpointError);
    expect(read({})).toThrow(/not a saved training run; got no metadata "neuralode.training"/);
    const fine = { iteration: 1, random: random(0).state() };
    expect(read({ 'neuralode.training': JSON.stringify(fine) })()).toMatchObject(fine);
    const bad = [
      { ...fine, iteration: -1 },
      { ...fine, random: [1] },
      { ...fine, random: ['a', 'b', 'c', 'd'] },
      { ...fine, best: 3 },
    ];
    for (const text of [...bad.map((counters) => JSON.stringify(counters)), '', 'null', '{}']) {
      expect(read({ 'neuralode.training': text }), text).toThrow(CheckpointError);
    }
  });
});
