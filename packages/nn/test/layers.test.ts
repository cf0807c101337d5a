/** Dense layers, perceptrons and cells against arithmetic by hand; the cells also against torch (cells.test.ts). */
import { reference } from '@neuralode/backend-reference';
import {
  constant,
  dense,
  glorotUniform,
  gruCell,
  mlp,
  orthogonal,
  rnnCell,
  uniform,
} from '@neuralode/nn';
import {
  ArgumentError,
  leavesWithPaths,
  memory,
  random,
  relu,
  setBackend,
  ShapeError,
  sigmoid,
  tensor,
  zeros,
} from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';

// before the describes run, since they make tensors
await setBackend(reference());

const shapes = (params: unknown): Record<string, readonly number[]> =>
  Object.fromEntries(leavesWithPaths(params).map(({ path, tensor: leaf }) => [path, leaf.shape]));

describe('dense', () => {
  const params = {
    weight: tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]),
    bias: tensor([10, 20, 30]),
  };

  it('is x W + b, for a vector, a batch, and batches of batches', () => {
    const layer = dense(2, 3);
    expect(layer.apply(params, tensor([1, 1])).arraySync()).toEqual([15, 27, 39]);
    expect(
      layer
        .apply(
          params,
          tensor([
            [1, 0],
            [0, 2],
          ]),
        )
        .arraySync(),
    ).toEqual([
      [11, 22, 33],
      [18, 30, 42],
    ]);
    expect(layer.apply(params, tensor([[[1, 1]], [[0, 0]]])).arraySync()).toEqual([
      [[15, 27, 39]],
      [[10, 20, 30]],
    ]);
  });

  it('makes a weight and a bias, zero unless asked otherwise', () => {
    const made = dense(2, 3).init(random(0));
    expect(shapes(made)).toEqual({ weight: [2, 3], bias: [3] });
    expect(made.bias?.arraySync()).toEqual([0, 0, 0]);
    expect(
      dense(2, 3, { biases: constant(5) })
        .init(random(0))
        .bias?.arraySync(),
    ).toEqual([5, 5, 5]);
    expect(made.weight.arraySync()).toEqual(glorotUniform(random(0), [2, 3]).arraySync());
  });

  it('has no bias with { bias: false }', () => {
    const layer = dense(2, 3, { bias: false, weights: constant(1), dtype: 'float32' });
    const made = layer.init(random(0));
    expect(shapes(made)).toEqual({ weight: [2, 3] });
    expect(made.weight.dtype).toBe('float32');
    expect(layer.apply(made, tensor(new Float32Array([1, 2]))).arraySync()).toEqual([3, 3, 3]);
  });

  it('names the width that an input lacks', () => {
    expect(() => dense(2, 3).apply(params, zeros([4, 5]))).toThrow(ShapeError);
    expect(() => dense(2, 3).apply(params, zeros([4, 5]))).toThrow(
      /got \[4, 5\]; expected \[…, 2\]/,
    );
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %s as a width', (width) => {
    expect(() => dense(width, 1)).toThrow(ArgumentError);
    expect(() => dense(1, width)).toThrow(ArgumentError);
  });
});

describe('mlp', () => {
  it('is its layers with the activation between them', () => {
    const net = mlp([2, 3, 1], { activation: relu, biases: uniform(-1, 1) });
    const params = net.init(random(3));
    expect(shapes(params)).toEqual({
      '[0].weight': [2, 3],
      '[0].bias': [3],
      '[1].weight': [3, 1],
      '[1].bias': [1],
    });
    const x = tensor([[0.3, -0.7]]);
    const hidden = dense(2, 3).apply(params[0], x).relu();
    expect(net.apply(params, x).arraySync()).toEqual(
      dense(3, 1).apply(params[1], hidden).arraySync(),
    );
  });

  it('applies the final activation, and tanh where none is named', () => {
    const x = tensor([[0.3, -0.7]]);
    const plain = mlp([2, 3, 1]);
    const params = plain.init(random(3));
    const squashed = mlp([2, 3, 1], { finalActivation: sigmoid }).apply(params, x);
    expect(squashed.arraySync()).toEqual(plain.apply(params, x).sigmoid().arraySync());
    const hidden = dense(2, 3).apply(params[0], x).tanh();
    expect(plain.apply(params, x).arraySync()).toEqual(
      dense(3, 1).apply(params[1], hidden).arraySync(),
    );
  });

  it('hands its options on to its layers', () => {
    const net = mlp([1, 2, 1], {
      bias: false,
      weights: constant(1),
      dtype: 'float32',
      activation: relu,
    });
    const params = net.init(random(0));
    expect(shapes(params)).toEqual({ '[0].weight': [1, 2], '[1].weight': [2, 1] });
    const y = net.apply(params, tensor(new Float32Array([3]), [1, 1]));
    expect([y.dtype, y.itemSync()]).toEqual(['float32', 6]);
    expect([net.inputs, net.outputs]).toEqual([1, 1]);
  });

  it('refuses fewer than two widths, and parameters of another depth', () => {
    expect(() => mlp([2])).toThrow(/mlp\(\[inputs, …hidden, outputs\]\)/);
    expect(() => mlp([2, 1]).apply(mlp([2, 2, 1]).init(random(0)), zeros([1, 2]))).toThrow(
      /got 2 layers; expected 1 layers/,
    );
  });
});

describe('cells', () => {
  it('keep the layout of torch, transposed', () => {
    expect(shapes(rnnCell(2, 3).init(random(0)))).toEqual({
      inputWeight: [2, 3],
      hiddenWeight: [3, 3],
      inputBias: [3],
      hiddenBias: [3],
    });
    expect(shapes(gruCell(2, 3).init(random(0)))).toEqual({
      inputWeight: [2, 9],
      hiddenWeight: [3, 9],
      inputBias: [9],
      hiddenBias: [9],
    });
  });

  it('draw within ±1/√hidden', () => {
    for (const { tensor: leaf } of leavesWithPaths(gruCell(5, 16).init(random(0)))) {
      const largest = Math.max(...leaf.dataSync().map(Math.abs));
      expect(largest).toBeLessThanOrEqual(0.25);
      expect(largest).toBeGreaterThan(0.2);
    }
  });

  it('call an initialiser once per gate, and leave nothing behind', () => {
    const before = memory().liveBuffers;
    const params = gruCell(2, 3, { hiddenWeights: orthogonal() }).init(random(0));
    expect(memory().liveBuffers - before).toBe(4);
    for (const gate of [0, 1, 2]) {
      const block = params.hiddenWeight.slice([0, 3 * gate], [3, 3]);
      const gram = [...block.matMul(block.transpose()).dataSync()];
      gram.forEach((value, k) => {
        expect(value).toBeCloseTo(k % 4 === 0 ? 1 : 0, 12);
      });
    }
  });

  it('take their initialisers and dtype', () => {
    const params = gruCell(2, 3, {
      inputWeights: constant(1),
      hiddenWeights: constant(2),
      biases: constant(3),
      dtype: 'float32',
    }).init(random(0));
    const values = Object.values(params).map((leaf) => [leaf.dtype, ...new Set(leaf.dataSync())]);
    expect(values).toEqual([1, 2, 3, 3].map((value) => ['float32', value]));
  });

  it('halve the state where all parameters are zero (GRU), or forget it (RNN)', () => {
    const zero = { inputWeights: constant(0), hiddenWeights: constant(0), biases: constant(0) };
    const h = tensor([[1, -2]]);
    const x = tensor([[3]]);
    const gru = gruCell(1, 2, zero);
    expect(gru.apply(gru.init(random(0)), h, x).arraySync()).toEqual([[0.5, -1]]);
    const rnn = rnnCell(1, 2, zero);
    expect(rnn.apply(rnn.init(random(0)), h, x).arraySync()).toEqual([[0, 0]]);
  });

  it('take another activation (RNN)', () => {
    const cell = rnnCell(1, 1, { activation: relu });
    const params = {
      inputWeight: tensor([[2]]),
      hiddenWeight: tensor([[3]]),
      inputBias: tensor([0.5]),
      hiddenBias: tensor([0.25]),
    };
    expect(cell.apply(params, tensor([[1]]), tensor([[4]])).arraySync()).toEqual([[11.75]]);
  });

  it('name what does not fit', () => {
    const cell = gruCell(2, 3);
    const params = cell.init(random(0));
    expect(() => cell.apply(params, zeros([1, 2]), zeros([1, 2]))).toThrow(
      /got h \[1, 2\] and x \[1, 2\]; expected h \[batch, 3\] and x \[batch, 2\]/,
    );
    expect(() => cell.apply(params, zeros([3]), zeros([1, 2]))).toThrow(ShapeError);
  });
});
