/** Checkpoints of trees: names of leaves, the way back, and files of another model. */
import { reference } from '@neuralode/backend-reference';
import {
  CheckpointError,
  checkpointOf,
  decodeSafetensors,
  encodeSafetensors,
  mlp,
  restore,
} from '@neuralode/nn';
import { disposeTree, memory, random, setBackend, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => setBackend(reference()));

describe('checkpoints', () => {
  it('keep every tensor under the name of its place', async () => {
    const tree = {
      field: mlp([2, 3, 1]).init(random(1)),
      scale: tensor(2, { dtype: 'float32' }),
      order: 4,
    };
    const saved = await checkpointOf(tree);
    expect(Object.keys(saved).sort()).toEqual([
      'field[0].bias',
      'field[0].weight',
      'field[1].bias',
      'field[1].weight',
      'scale',
    ]);
    expect(saved.scale).toEqual({ dtype: 'float32', shape: [], data: new Float32Array([2]) });
  });

  it('come back through bytes as the same numbers in new tensors', async () => {
    const tree = { field: mlp([2, 3, 1]).init(random(1)), order: 4 };
    const file = decodeSafetensors(encodeSafetensors(await checkpointOf(tree)));
    const live = memory().liveBuffers;
    const like = { field: mlp([2, 3, 1]).init(random(2)), order: 5 };
    const back = restore(like, file);
    expect(back.field[0].weight.arraySync()).toEqual(tree.field[0].weight.arraySync());
    expect(back.field[0].weight.arraySync()).not.toEqual(like.field[0].weight.arraySync());
    expect(back.order).toBe(5);
    disposeTree(like);
    disposeTree(back);
    expect(memory().liveBuffers).toBe(live);
  });

  it('of a single tensor work too', async () => {
    const file = decodeSafetensors(encodeSafetensors(await checkpointOf(tensor([1, 2]))));
    expect(restore(tensor([0, 0]), file).arraySync()).toEqual([1, 2]);
  });

  it.each([
    ['a wider layer', [2, 4, 1], /first at \[0\]\.bias; got float64\[3\]; expected float64\[4\]/],
    [
      'a deeper network',
      [2, 3, 3, 1],
      /first at \[1\]\.bias; got float64\[1\]; expected float64\[3\]/,
    ],
    ['a shallower network', [2, 3], /first at \[1\]\.bias; got float64\[1\]; expected nothing/],
  ])('of another model name the first difference: %s', async (_what, widths, message) => {
    const tensors = await checkpointOf(mlp([2, 3, 1]).init(random(1)));
    const live = memory().liveBuffers;
    const like = mlp(widths).init(random(1));
    expect(() => restore(like, { tensors })).toThrow(CheckpointError);
    expect(() => restore(like, { tensors })).toThrow(message);
    disposeTree(like);
    expect(memory().liveBuffers).toBe(live);
  });

  it('tell apart missing leaves and other dtypes', async () => {
    const tensors = await checkpointOf({ w: tensor([1]) });
    expect(() => restore({ w: tensor([1]), v: tensor([1]) }, { tensors })).toThrow(
      /first at v; got nothing; expected float64\[1\]/,
    );
    expect(() => restore({ w: tensor([1], { dtype: 'float32' }) }, { tensors })).toThrow(
      /got float64\[1\]; expected float32\[1\]/,
    );
    expect(() => restore({ toString: tensor([1]) }, { tensors })).toThrow(
      /first at toString; got nothing/,
    );
  });

  it('refuse keys that read like other places', async () => {
    const tree = { 'a.b': tensor([1]), a: { b: tensor([2]) } };
    await expect(checkpointOf(tree)).rejects.toThrow(/same place as text; got a\.b/);
  });
});
