/** Optimisers along torch's own runs on a quadratic, recorded and run as in training. */
import { readFileSync } from 'node:fs';
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { adam, type AdamOptions, adamW, type Optimiser, rmsProp, sgd } from '@neuralode/nn';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { expect, it } from 'vitest';

await setBackend(reference());

/** torch's names for the settings; each optimiser has some of them. */
interface Settings {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly alpha: number;
  readonly momentum: number;
}
interface Path {
  readonly settings: Settings;
  readonly xs: readonly (readonly number[])[];
  readonly gradients: readonly (readonly number[])[];
}
type Name = 'Adam' | 'AdamW' | 'RMSprop' | 'SGD';
const torch: Record<Name, Path> & { A: number[][]; b: number[] } = JSON.parse(
  readFileSync(new URL('./reference/optimisers.json', import.meta.url), 'utf8'),
);

const matrix = tensor(torch.A);
const vector = tensor(torch.b);
/** x A x / 2 − b x. */
const loss = (x: Tensor): Tensor => {
  const product = matrix.matMul(x.reshape([3, 1])).reshape([3]);
  return product.mul(x).sum().div(2).sub(vector.mul(x).sum());
};

const adamOptions = ({ lr, betas: [b1, b2], eps }: Settings): AdamOptions => ({
  learningRate: lr,
  b1,
  b2,
  epsilon: eps,
});

const cases: [Name, (settings: Settings) => Optimiser<unknown>][] = [
  ['Adam', (settings) => adam(adamOptions(settings))],
  ['AdamW', (s) => adamW({ ...adamOptions(s), weightDecay: s.weight_decay })],
  ['RMSprop', ({ lr, alpha, eps }) => rmsProp({ learningRate: lr, decay: alpha, epsilon: eps })],
  ['SGD', ({ lr, momentum }) => sgd({ learningRate: lr, momentum })],
];

it.each(cases)('%s takes the path of torch', async (name, make) => {
  const { settings, xs, gradients } = torch[name];
  const optimiser = make(settings);
  const step = jit((x: Tensor, state: unknown) => {
    const { grads } = valueAndGrad(loss)(x);
    return { grads, ...optimiser.update(grads, state, x) };
  });
  let x = tensor([...xs[0]]);
  let state = optimiser.init(x);
  for (const [i, gradient] of gradients.entries()) {
    const after = await step(x, state);
    expect([...after.grads.dataSync()]).toEqual(gradient.map((value) => expect.closeTo(value, 12)));
    expect([...after.params.dataSync()]).toEqual(
      xs[i + 1].map((value) => expect.closeTo(value, 12)),
    );
    ({ params: x, state } = after);
  }
  expect(gradients.length).toBeGreaterThan(3);
});
