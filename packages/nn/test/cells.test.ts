/** RNN and GRU cells against torch's: states along a sequence, and gradients of everything, unrolled and by scan. */
import { readFileSync } from 'node:fs';
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { type Cell, type CellParams, gruCell, rnnCell } from '@neuralode/nn';
import { type Nested, scan, setBackend, stack, type Tensor, tensor } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';

await setBackend(reference());

interface Example {
  readonly parameters: Readonly<Record<string, Nested>>;
  readonly inputs: Nested;
  readonly h0: Nested;
  readonly weights: Nested;
  readonly outputs: Nested;
  readonly value: number;
  readonly gradients: Readonly<Record<string, Nested>>;
}
const torch: Record<'GRUCell' | 'RNNCell', Example> = JSON.parse(
  readFileSync(new URL('./reference/cells.json', import.meta.url), 'utf8'),
);

interface Everything {
  readonly params: CellParams;
  /** [time, batch, inputs]. */
  readonly xs: Tensor;
  readonly h0: Tensor;
}

/** torch's names and transposes as ours. */
const ours = (named: Readonly<Record<string, Nested>>, inputs: Nested, h0: Nested): Everything => ({
  params: {
    inputWeight: tensor(named.weight_ih).transpose(),
    hiddenWeight: tensor(named.weight_hh).transpose(),
    inputBias: tensor(named.bias_ih),
    hiddenBias: tensor(named.bias_hh),
  },
  xs: tensor(inputs),
  h0: tensor(h0),
});

function unrolled(cell: Cell<CellParams>, { params, xs, h0 }: Everything): Tensor {
  const states: Tensor[] = [];
  let h = h0;
  for (let time = 0; time < xs.shape[0]; time++) {
    h = cell.apply(params, h, xs.at(time));
    states.push(h);
  }
  return stack(states);
}

function scanned(cell: Cell<CellParams>, { params, xs, h0 }: Everything): Tensor {
  const body = (h: Tensor, x: Tensor): [Tensor, Tensor] => {
    const next = cell.apply(params, h, x);
    return [next, next];
  };
  return scan(body, h0, xs)[1];
}

function expectClose(got: Tensor, expected: Tensor): void {
  expect(got.shape).toEqual(expected.shape);
  const difference = got.sub(expected).abs().max().itemSync();
  expect(difference).toBeLessThan(1e-13);
}

describe.each([
  { name: 'GRUCell', make: gruCell },
  { name: 'RNNCell', make: rnnCell },
] as const)('$name', ({ name, make }) => {
  const example = torch[name];
  const at = ours(example.parameters, example.inputs, example.h0);
  const cell = make(2, 3);
  const weights = tensor(example.weights);

  it.each([
    ['unrolled', unrolled],
    ['by scan', scanned],
  ])('has the states and gradients of torch, %s', async (_how, run) => {
    const loss = (everything: Everything) => {
      const states = run(cell, everything);
      return [states.mul(weights).sum(), states] as const;
    };
    const { value, aux, grads } = await jit(valueAndGrad(loss, { hasAux: true }))(at);
    expectClose(aux, tensor(example.outputs));
    expect(value.itemSync()).toBeCloseTo(example.value, 13);
    const { gradients } = example;
    const expected = ours(gradients, gradients.inputs, gradients.h0);
    expectClose(grads.xs, expected.xs);
    expectClose(grads.h0, expected.h0);
    for (const key of ['inputWeight', 'hiddenWeight', 'inputBias', 'hiddenBias'] as const) {
      expectClose(grads.params[key], expected.params[key]);
    }
  });
});
