/** The fused runtime in a page of Chromium, isolated from other origins or not: the numbers are those of Node. */
import { direct } from '@neuralode/adjoint';
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { simd } from '@neuralode/backend-simd';
import { odeint } from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';
import { chromium, inPage } from './browser.ts';

interface Found {
  readonly error?: string;
  readonly isolated: boolean;
  readonly value: number;
  readonly grad: readonly number[];
  readonly explained: string;
}

const script = `
  const { direct } = await import('@neuralode/adjoint');
  const { jit, valueAndGrad } = await import('@neuralode/autodiff');
  const { simd } = await import('@neuralode/backend-simd');
  const { odeint } = await import('@neuralode/solvers');
  const { setBackend, tensor } = await import('@neuralode/tensor');
  const backend = simd({ floatDType: 'float64' });
  await setBackend(backend);
  const field = (_, y, w) => y.matMul(w).tanh();
  const loss = (w) =>
    odeint(field, tensor([[1, 0.5]]), [0, 0.5, 2], { args: w, gradient: direct() })
      .ys.square()
      .mean();
  const { value, grads } = await jit(valueAndGrad(loss))(tensor([[0.2, -1], [1, -0.3]]));
  return {
    isolated: crossOriginIsolated,
    value: await value.item(),
    grad: Array.from(await grads.data()),
    explained: backend.explain(),
  };
`;

/** The same here. */
async function inNode(): Promise<Pick<Found, 'value' | 'grad'>> {
  await setBackend(simd({ floatDType: 'float64' }));
  const field = (_: Tensor, y: Tensor, w: Tensor): Tensor => y.matMul(w).tanh();
  const loss = (w: Tensor): Tensor =>
    odeint(field, tensor([[1, 0.5]]), [0, 0.5, 2], { args: w, gradient: direct() })
      .ys.square()
      .mean();
  const start = tensor([
    [0.2, -1],
    [1, -0.3],
  ]);
  const { value, grads } = await jit(valueAndGrad(loss))(start);
  return { value: await value.item(), grad: Array.from(await grads.data()) };
}

const unlessFound =
  chromium === undefined ? ' (not run: no Chromium here; CHROMIUM may say where it is)' : '';

describe(`in Chromium${unlessFound}`, () => {
  it.skipIf(chromium === undefined).each([true, false])(
    'a solve and its gradient, cross-origin isolation %s',
    async (isolated) => {
      const found = await inPage<Found>(script, isolated);
      expect(found.error).toBeUndefined();
      expect(found.isolated).toBe(isolated);
      expect(found.explained).not.toContain('kernel by kernel');
      const want = await inNode();
      // fused multiply-add, where one engine has it and the other has not, moves the last digits
      expect(found.value).toBeCloseTo(want.value, 12);
      found.grad.forEach((each, i) => {
        expect(each).toBeCloseTo(want.grad[i], 12);
      });
    },
  );
});
