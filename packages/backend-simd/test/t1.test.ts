import { simd } from '@neuralode/backend-simd';
import { reference } from '@neuralode/backend-reference';
import { jit } from '@neuralode/autodiff';
import { odeint, dopri5, rk4, dop853, tsit5 } from '@neuralode/solvers';
import { setBackend, tensor, random } from '@neuralode/tensor';
import { it } from 'vitest';
it('x', async () => {
 for (const be of [reference({floatDType:'float32'}), simd(), reference(), simd({floatDType:'float64'})]) {
  await setBackend(be);
  const rng = random(0);
  const p = { w1: rng.normal([2,50],0,0.3), b1: rng.normal([50],0,0.1), w2: rng.normal([50,2],0,0.3), b2: rng.normal([2],0,0.1)};
  const y0 = rng.normal([20,2]);
  const field=(_t:any,y:any,p:any)=> y.mul(y).mul(y).matMul(p.w1).add(p.b1).tanh().matMul(p.w2).add(p.b2);
  for (const [solver, opt] of [[dopri5(), {rtol:1e-5, atol:1e-7}],[rk4(), {stepSize:0.05}],[dop853(),{rtol:1e-5,atol:1e-6}],[tsit5(),{}]] as any) {
    let stats: any;
    const f = jit((y0:any,p:any)=> odeint(field,y0,[0,0.1,0.3,0.55,1],{args:p,solver,...opt,onSolve:(s:any)=>{stats=s}}).ys);
    const ys = f.sync(y0,p);
    const d = ys.dataSync();
    console.log(be.name, be.floatDType, stats.nfe, stats.accepted, stats.rejected, stats.status, Array.from(d.slice(-3)));
    if (be.name==='simd') { const t0=performance.now(); for(let i=0;i<200;i++) f.sync(y0,p).dispose(); console.log('ms', (performance.now()-t0)/200); }
  }
  if (be.name==='simd') console.log((be as any).explain());
 }
});
