/** Gradients of a solve that switches between an explicit and an implicit method, against central differences in float64. */
import { grad, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  auto,
  type OdeintOptions,
  odeint,
  radau5,
  rodas4,
  type SolveStats,
} from '@neuralode/solvers';
import { concat, evaluate, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { backsolve, direct } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** Van der Pol's oscillator: stiff on the way to each of its jumps, and not in them. */
const field = (_: Tensor, y: Tensor, mu: Tensor): Tensor => {
  const [position, speed] = [y.slice([0], [1]), y.slice([1], [1])];
  return concat([speed, position.square().neg().add(1).mul(speed).mul(mu).sub(position)]);
};
const sizes = [[2], [1]];
const at = [2, -0.01, 200];

const lossOf =
  (options: OdeintOptions<Tensor>, ts: readonly number[]) =>
  ([y0, mu]: Tensor[]): Tensor =>
    odeint(field, y0, ts, { ...options, args: mu })
      .ys.slice([1])
      .square()
      .sum();

// Past the first jump, near t = 163.
const ts = [0, 100, 200];
const direction = [0.3, -0.2, 5];
/** By an implicit method alone, far more exactly: differences must not see the step control. */
let expected: number[];

beforeAll(() => {
  const exact = lossOf({ solver: radau5(), rtol: 1e-11, atol: 1e-11 }, ts);
  const value = (flat: readonly number[]): number =>
    evaluate.sync(() => exact(unpack(flat, sizes))).itemSync();
  expected = centralGradient(value, at, 1e-5);
});

describe.each([
  ['auto()', auto()],
  ['auto({ stiff: rodas4() })', auto({ stiff: rodas4() })],
  ['auto({ stiff: radau5() })', auto({ stiff: radau5() })],
])('%s', (_, solver) => {
  const tight = { solver, rtol: 1e-9, atol: 1e-9 };
  it('direct() agrees with central differences across switches', () => {
    let stats: SolveStats | undefined;
    const onSolve = (each: SolveStats): void => {
      if (each.pass === 'forward') stats = each;
    };
    const loss = lossOf({ ...tight, gradient: direct(), onSolve }, ts);
    const got = pack(grad(loss).sync(unpack(at, sizes)));
    expect(stats?.switches).toBeGreaterThanOrEqual(2);
    expect(relativeError(got, expected)).toBeLessThan(1e-4);
  });

  it('forward mode agrees with them too', () => {
    const loss = lossOf(tight, ts);
    const { tangent } = jvp.sync(loss, [unpack(at, sizes)], [unpack(direction, sizes)]);
    const along = expected.reduce((sum, each, i) => sum + each * direction[i], 0);
    expect(relativeError([tangent.itemSync()], [along])).toBeLessThan(1e-4);
  });
});

it('backsolve() agrees with central differences', () => {
  // Backward in time the field is violently unstable where it is stiff: a short stretch, with many observations.
  const short = Array.from({ length: 21 }, (_, i) => 0.01 * i);
  const tight = { solver: auto(), rtol: 1e-9, atol: 1e-9 };
  const got = pack(
    grad(lossOf({ ...tight, gradient: backsolve() }, short)).sync(unpack(at, sizes)),
  );
  const value = (flat: readonly number[]): number =>
    evaluate.sync(() => lossOf(tight, short)(unpack(flat, sizes))).itemSync();
  expect(relativeError(got, centralGradient(value, at, 1e-4))).toBeLessThan(1e-5);
});

it('the field may take parameters of any shape beside', () => {
  const weights = tensor([
    [-50, 1],
    [0, -1],
  ]);
  const linear = (_t: Tensor, y: Tensor, w: Tensor): Tensor =>
    w.matMul(y.reshape([2, 1])).reshape([2]);
  const loss = (w: Tensor): Tensor =>
    odeint(linear, tensor([1, 1]), [0, 20], {
      solver: auto(),
      args: w,
      gradient: direct(),
      rtol: 1e-9,
      atol: 1e-12,
    })
      .ys.slice([1])
      .sum();
  const got = pack([grad(loss).sync(weights)]);
  const value = (flat: readonly number[]): number =>
    evaluate.sync(() => loss(tensor([flat.slice(0, 2), flat.slice(2)] as number[][]))).itemSync();
  const expected = centralGradient(value, [-50, 1, 0, -1], 1e-5);
  expect(relativeError(got, expected)).toBeLessThan(1e-9);
});
