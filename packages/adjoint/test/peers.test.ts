/**
 * Gradients against those that torch computed for the same networks, states, times and weights, in float64
 * (test/reference, made by bench/peers/reference_solutions.py); and those of diffrax (made by
 * bench/peers/reference_gradients_diffrax.py).
 */
import { readFileSync } from 'node:fs';
import { grad, valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { dopri5, type GradientMethod, odeint } from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { backsolve, direct, interpolated } from '../src/index.ts';
import { pack, relativeError } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

interface Peer {
  parameters: Record<string, number[][]>;
  y0: number[][];
  times: number[];
  weights: number[][][];
  ys: number[][][];
  value: number;
  gradients: Record<string, number[] | number[][]>;
}

const load = (name: string): Peer =>
  JSON.parse(readFileSync(new URL(`reference/${name}.json`, import.meta.url), 'utf8')) as Peer;

const diffrax = JSON.parse(
  readFileSync(new URL('reference/gradients-diffrax.json', import.meta.url), 'utf8'),
) as { gradients: Record<string, Peer['gradients']> };

const flat = (nested: unknown): number[] => [nested].flat(9) as number[];

describe.each(['gradients-autonomous', 'gradients-time-dependent'])('%s', (name) => {
  const peer = load(name);
  const inputs = (): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries({ ...peer.parameters, y0: peer.y0, times: peer.times }).map(([key, value]) => [
        key,
        tensor(value),
      ]),
    );
  const loss =
    (gradient: GradientMethod) =>
    ({ y0, times, ...p }: Record<string, Tensor>): Tensor => {
      const field = (t: Tensor, y: Tensor): Tensor => {
        const bias = p.wt === undefined ? p.b1 : p.b1.add(p.wt.mul(t));
        return y.matMul(p.w1).add(bias).tanh().matMul(p.w2).add(p.b2);
      };
      const options = { solver: dopri5(), rtol: 1e-11, atol: 1e-11, gradient };
      return odeint(field, y0, times, options).ys.mul(tensor(peer.weights)).sum();
    };

  it.each([direct(), backsolve(), interpolated()])(
    '$name gives the same loss and gradients',
    (gradient) => {
      const { value, grads } = valueAndGrad(loss(gradient)).sync(inputs());
      expect(relativeError([value.itemSync()], [peer.value])).toBeLessThan(1e-9);
      for (const [key, expected] of Object.entries(peer.gradients)) {
        expect(relativeError(pack([grads[key]]), flat(expected)), key).toBeLessThan(1e-8);
      }
    },
  );

  it('diffrax gives the same gradients by the parameters and the initial state', () => {
    const expected = diffrax.gradients[name];
    const grads = grad(loss(direct())).sync(inputs());
    for (const [key, values] of Object.entries(expected)) {
      expect(relativeError(pack([grads[key]]), flat(values)), key).toBeLessThan(1e-8);
    }
  });
});
