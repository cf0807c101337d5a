/** Flows in float32 on the compiled backends, with their traces, solvers and gradients, against float64 on the reference; and their memory. */
import { backsolve, checkpointed, direct } from '@neuralode/adjoint';
import { grad, jit, valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import { wasm } from '@neuralode/backend-wasm';
import {
  type CnfOptions,
  cnf,
  exact,
  type FlowField,
  gaussianBase,
  hutchinson,
  layerStack,
  negativeLogLikelihood,
  planarField,
  type PlanarFieldParams,
} from '@neuralode/cnf';
import { dopri5, type GradientMethod, rk4, tsit5 } from '@neuralode/solvers';
import { type Backend, leavesWithPaths, random, setBackend } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';

type Flow = Pick<CnfOptions<unknown>, 'field' | 'trace'>;

const flows: Readonly<Record<string, () => Flow>> = {
  'the planar field in closed form': () => ({
    field: planarField({ dimension: 2, width: 6, hyperWidth: 5 }) as FlowField<unknown>,
  }),
  'concatsquash layers, exactly': () => ({
    field: layerStack({ dimension: 2, hidden: [8] }) as FlowField<unknown>,
    trace: exact(),
  }),
  'concatsquash layers in 5 dimensions, by Hutchinson': () => ({
    field: layerStack({ dimension: 5, hidden: [8] }) as FlowField<unknown>,
    trace: hutchinson(),
  }),
};

/** The loss, then its gradient. */
async function likelihood(backend: Backend, parts: Flow, solve: object): Promise<number[]> {
  await setBackend(backend);
  const { dimension } = parts.field;
  const flow = cnf({ base: gaussianBase(dimension), ...parts, ...solve });
  const x = random(1).normal([16, dimension]);
  const call = parts.trace?.noise ? { noise: flow.noise(random(2), 16) } : {};
  const loss = (params: unknown) => negativeLogLikelihood(flow, params, x, call);
  const { value, grads } = await valueAndGrad(loss)(flow.init(random(3)));
  const slopes = leavesWithPaths(grads).map(({ tensor }) => tensor.data());
  return [await value.item(), ...(await Promise.all(slopes)).flatMap((s) => Array.from(s, Number))];
}

const solves = {
  'dopri5, direct': { solver: dopri5(), gradient: direct() },
  'tsit5, backsolve': { solver: tsit5(), gradient: backsolve() },
  'rk4, checkpointed': { solver: rk4(), stepSize: 1 / 16, gradient: checkpointed() },
};

describe.each(Object.entries(flows))('%s', (_, parts) => {
  it.each(Object.entries(solves))('%s: the likelihood and its gradient', async (__, solve) => {
    const tight = 'stepSize' in solve ? {} : { rtol: 1e-10, atol: 1e-10 };
    const loose = 'stepSize' in solve ? {} : { rtol: 1e-6, atol: 1e-6 };
    const [value, ...slopes] = await likelihood(reference(), parts(), { ...solve, ...tight });
    for (const backend of [await wasm(), simd()]) {
      const [found, ...others] = await likelihood(backend, parts(), { ...solve, ...loose });
      expect(Math.abs(found - value)).toBeLessThan(2e-5);
      const error = Math.hypot(...others.map((each, i) => each - slopes[i]));
      expect(error / Math.hypot(...slopes)).toBeLessThan(1e-4);
    }
  });
});

it('the compiled program of a likelihood’s gradient needs no more memory for more steps by the continuous adjoint', async () => {
  /** In KiB, as the backend tells it. */
  const memoryOf = async (gradient: GradientMethod, steps: number): Promise<number> => {
    const backend = simd();
    await setBackend(backend);
    const field = planarField({ dimension: 2, width: 8 });
    const solve = { solver: rk4(), stepSize: 1 / steps, gradient };
    const flow = cnf({ field, base: gaussianBase(2), ...solve });
    const x = random(1).normal([64, 2]);
    const loss = (params: PlanarFieldParams) => negativeLogLikelihood(flow, params, x);
    await jit(grad(loss))(field.init(random(0)));
    return Number(/one program of .* works in (\d+) KiB/.exec(backend.explain())?.[1]);
  };
  const few = await memoryOf(backsolve(), 4);
  expect(few).toBeGreaterThan(0);
  expect(await memoryOf(backsolve(), 512)).toBe(few);
  expect(await memoryOf(direct(), 512)).toBeGreaterThan(10 * few);
});
