import { reference } from '@neuralode/backend-reference';
import { setBackend, tensor, type Tensor } from '@neuralode/tensor';
import { readFileSync } from 'node:fs';
import { it } from 'vitest';
import { odeint } from '../src/index.ts';
const lv = (_: Tensor, y: Tensor) => { const a = y.slice([0],[1]), b = y.slice([1],[1]); const ab=a.mul(b); return concat([a.mul(1.5).sub(ab), ab.sub(b.mul(3))]); };
import { concat } from '@neuralode/tensor';
const vdp = (_: Tensor, y: Tensor) => { const a = y.slice([0],[1]), b = y.slice([1],[1]); return concat([b, a.square().neg().add(1).mul(b).sub(a)]); };
const vdp50 = (_: Tensor, y: Tensor) => { const a = y.slice([0],[1]), b = y.slice([1],[1]); return concat([b, a.square().neg().add(1).mul(b).mul(20).sub(a)]); };
const lor = (_: Tensor, y: Tensor) => { const [a,b,c]=[0,1,2].map(i=>y.slice([i],[1])); return concat([b.sub(a).mul(10), a.mul(c.neg().add(28)).sub(b), a.mul(b).sub(c.mul(8/3))]); };
const ref = (n: string) => JSON.parse(readFileSync(new URL(`./reference/${n}.json`, import.meta.url), 'utf8'));
it('works', async () => {
  await setBackend(reference());
  for (const [n, f] of [['lotka-volterra', lv], ['van-der-pol', vdp], ['lorenz', lor]] as const) {
    const r = ref(n);
    for (const tol of [1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10]) {
      const { ys, stats } = odeint.sync(f, tensor(r.y0), r.times, { rtol: tol, atol: tol*1e-2 });
      const v = ys.arraySync() as number[][];
      const err = Math.max(...v.flatMap((row, i) => row.map((x, j) => Math.abs(x - r.ys[i][j]))));
      console.log(n, tol, err.toExponential(2), stats.nfe, stats.accepted, stats.rejected);
    }
  }
  for (const tol of [1e-4, 1e-6, 1e-8]) {
  const { stats } = odeint.sync(vdp50, tensor([2, 0]), [0, 60], { rtol: tol, atol: tol*1e-2 });
  console.log('vdp20', stats);
  }
});
