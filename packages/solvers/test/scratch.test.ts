import { reference } from '@neuralode/backend-reference';
import { setBackend, tensor, type Tensor, memory } from '@neuralode/tensor';
import { it, expect } from 'vitest';
import { odeint, euler, midpoint, rk4, dopri5 } from '../src/index.ts';
it('works', async () => {
  await setBackend(reference());
  const f = (t: Tensor, y: Tensor) => y.neg().mul(t.add(1));
  const exact = (t: number) => Math.exp(-t - t * t / 2);
  for (const [s, h] of [[euler(), 0.1], [midpoint(), 0.1], [rk4(), 0.1]] as const) {
    for (const k of [1, 2, 4]) {
      const { ys, stats } = odeint.sync(f, tensor([1]), [0, 0.33, 0.77, 1], { solver: s, stepSize: h / k });
      const v = ys.arraySync() as number[][];
      console.log(s.tableau.name, h / k, [0.33, 0.77, 1].map((t, i) => v[i + 1][0] - exact(t)), stats);
    }
  }
  for (const tol of [1e-4, 1e-6, 1e-8, 1e-10, 1e-12]) {
      const { ys, stats } = await odeint(f, tensor([1]), [0, 0.33, 0.77, 1], { rtol: tol, atol: tol });
      const v = await ys.array() as number[][];
      console.log(tol, [0.33, 0.77, 1].map((t, i) => v[i + 1][0] - exact(t)), stats);
  }
      const { ys, stats } = await odeint(f, tensor([1]), [0, -0.33, -1], { rtol: 1e-10, atol: 1e-10 });
      const v = await ys.array() as number[][];
      console.log([-0.33, -1].map((t, i) => v[i + 1][0] - exact(t)), stats, memory());
  await expect(odeint((t, y: Tensor) => y.square(), tensor([1]), [0, 2])).rejects.toThrow(/zzz/);
});
