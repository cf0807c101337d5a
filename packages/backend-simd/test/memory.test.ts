/** Memory: what programs work in, what stays of it, how far it grows, and how it goes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { direct } from '@neuralode/adjoint';
import { grad, jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { type SimdBackend, type SimdOptions, simd } from '@neuralode/backend-simd';
import { euler, odeint } from '@neuralode/solvers';
import {
  BackendError,
  type HostArray,
  memory,
  random,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from '../src/heap.ts';
import { difference, type Inputs, noise, runOn } from './harness.ts';

const mebibyte = 2 ** 20;

async function started(options?: SimdOptions): Promise<SimdBackend> {
  const backend = simd(options);
  await setBackend(backend);
  return backend;
}

/** Bytes outside the engine's own heap, WebAssembly memories that one thread has among them; garbage is collected first. */
function externalBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // a memory goes with the second: the first only finds that nobody has it
  for (let turn = 0; turn < 3; turn++) collect();
  return process.memoryUsage().external;
}

/** A gradient through the steps of a solve over `rows` states: the tape alone takes `steps` × rows × 128 bytes. */
function gradientOf(steps: number): (w: Tensor, y0: Tensor) => Tensor {
  const field = (_: Tensor, y: Tensor, w: Tensor): Tensor => y.matMul(w).tanh();
  const options = { solver: euler(), stepSize: 1 / steps, gradient: direct() };
  return (w, y0) =>
    grad((by: Tensor) =>
      odeint(field, y0, [0, 1], { args: by, ...options })
        .ys.square()
        .mean(),
    )(w);
}

/** Bytes that the explanation gives as shared by all graphs. */
function sharedBytes(backend: SimdBackend): number {
  const [, kibibytes] = /graphs share (\d+) KiB/.exec(backend.explain()) as RegExpExecArray;
  return 1024 * Number(kibibytes);
}

describe('what programs work in', () => {
  it('counts while they run, and not after', async () => {
    const backend = await started();
    const x = tensor(noise([64, 64]) as number[][]);
    backend.resetPeak();
    const before = memory(backend);
    jit((a: Tensor) => a.matMul(a.matMul(a)))
      .sync(x)
      .dispose();
    const { liveBytes, liveBuffers, peakBytes } = memory(backend);
    expect({ liveBytes, liveBuffers }).toEqual({
      liveBytes: before.liveBytes,
      liveBuffers: before.liveBuffers,
    });
    // the result, and the inner product at the least
    expect(peakBytes - before.liveBytes).toBeGreaterThanOrEqual(2 * 4 * 64 * 64);
    expect(sharedBytes(backend)).toBeGreaterThanOrEqual(4 * 64 * 64);
  });

  it('stands still after the first call', async () => {
    const backend = await started();
    const rng = random(1);
    const [w, y0] = [rng.normal([32, 32]), rng.normal([100, 32])];
    const step = jit(gradientOf(50));
    step.sync(w, y0).dispose();
    const [use, shared, external] = [memory(backend), sharedBytes(backend), externalBytes()];
    for (let i = 0; i < 20; i++) step.sync(w, y0).dispose();
    expect(memory(backend)).toEqual(use);
    expect(sharedBytes(backend)).toBe(shared);
    expect(externalBytes() - external).toBeLessThan(mebibyte);
  });

  it('is the same for ever so many shapes, all of them kept', async () => {
    const backend = await started({ memoryLimit: 24 * mebibyte });
    const before = externalBytes();
    const rng = random(2);
    const w = rng.normal([32, 32]);
    const shapes = Array.from({ length: 55 }, (_, i) => 300 + 20 * ((7 * i) % 55));
    const step = jit(gradientOf(50));
    const run = (rows: number): HostArray => {
      const y0 = random(rows).normal([rows, 32]);
      const gradient = step.sync(w, y0);
      const values = gradient.dataSync();
      y0.dispose();
      gradient.dispose();
      return values;
    };
    const first = shapes.map(run);
    const tapes = shapes.reduce((total, rows) => total + 50 * rows * 128, 0);
    expect(tapes).toBeGreaterThan(10 * 24 * mebibyte);
    expect(backend.explain()).not.toContain('kernel by kernel');
    expect(externalBytes() - before).toBeLessThanOrEqual(24 * mebibyte);
    // again, with what others have left where each worked
    expect(shapes.map(run)).toEqual(first);
    const largest = 50 * Math.max(...shapes) * 128;
    expect(sharedBytes(backend)).toBeGreaterThan(largest);
    expect(sharedBytes(backend)).toBeLessThan(24 * mebibyte);
  });

  it('is let go where tensors need it, and had again', async () => {
    const backend = await started({ memoryLimit: 24 * mebibyte });
    const rng = random(3);
    const [w, y0] = [rng.normal([32, 32]), rng.normal([1000, 32])];
    const step = jit(gradientOf(50));
    const before = step.sync(w, y0).dataSync();
    const { liveBytes } = memory(backend);
    const large = Array.from({ length: 20 }, (_, i) => random(i).normal([mebibyte / 4]));
    expect(sharedBytes(backend)).toBeLessThan(4 * mebibyte);
    expect(() => step.sync(w, y0)).toThrow(/simd: out of memory.*memoryLimit/s);
    for (const each of large) each.dispose();
    expect(step.sync(w, y0).dataSync()).toEqual(before);
    expect(memory(backend).liveBytes).toBeGreaterThanOrEqual(liveBytes);
  });

  it('is a run of its own for a program that is run inside itself', async () => {
    await started({ floatDType: 'float64' });
    const inner: number[][] = [];
    const depth = { now: 0 };
    const solve = jit((y0: Tensor) => {
      const onStep = (): void => {
        if (depth.now > 0) return;
        depth.now++;
        inner.push(Array.from(solve.sync(tensor([5, 7])).dataSync() as Float64Array));
        depth.now--;
      };
      const field = (_: Tensor, y: Tensor): Tensor => y.sin().add(y.cos().mul(y)).neg();
      return grad((y: Tensor) =>
        odeint(field, y, [0, 1], { solver: euler(), stepSize: 0.1, gradient: direct(), onStep })
          .ys.square()
          .sum(),
      )(y0);
    });
    const nested = solve.sync(tensor([1, 2])).dataSync();
    const runs = inner.length;
    expect(runs).toBeGreaterThanOrEqual(10);
    depth.now = 1;
    expect(solve.sync(tensor([1, 2])).dataSync()).toEqual(nested);
    const alone = Array.from(solve.sync(tensor([5, 7])).dataSync() as Float64Array);
    for (const each of inner) expect(each).toEqual(alone);
  });
});

describe('the heap', () => {
  const wish = fc.record({ bytes: fc.integer({ min: 1, max: 40_000 }), gives: fc.nat() });

  it('hands out no byte twice, and puts together what was given back', () => {
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 80 }), (wishes) => {
        const heap = new Heap(4 * mebibyte, false);
        const held: { at: number; bytes: number }[] = [];
        for (const { bytes, gives } of wishes) {
          held.push({ at: heap.take(bytes), bytes });
          const [gone] = gives % 3 > 0 ? held.splice(gives % held.length, 1) : [];
          if (gone !== undefined) heap.give(gone.at, gone.bytes);
        }
        const ordered = held.toSorted((a, b) => a.at - b.at);
        ordered.forEach(({ at }, i) => {
          const before = ordered[i - 1];
          expect(at % 16).toBe(0);
          expect(at).toBeGreaterThanOrEqual(before === undefined ? 64 : before.at + before.bytes);
        });
        for (const { at, bytes } of held) heap.give(at, bytes);
        // all but the first 64 bytes in one piece
        expect(heap.take(3.5 * mebibyte)).toBe(64);
      }),
    );
  });

  it('holds tensors of ever new sizes in what the largest took', async () => {
    await started({ memoryLimit: 8 * mebibyte });
    for (let size = 1000; size < 1_500_000; size = Math.ceil(1.07 * size)) {
      tensor(new Float32Array(size)).dispose();
    }
  });
});

describe('dispose()', () => {
  it('lets go of the memory, with programs and tensors of it still in hand', async () => {
    const before = externalBytes();
    const backend = await started();
    const rng = random(4);
    const [w, y0] = [rng.normal([32, 32]), rng.normal([2000, 32])];
    const step = jit(gradientOf(100));
    const gradient = step.sync(w, y0);
    // the tape alone takes 24 MiB
    expect(externalBytes() - before).toBeGreaterThan(24 * mebibyte);
    backend.dispose();
    expect(externalBytes() - before).toBeLessThan(2 * mebibyte);
    expect(memory(backend)).toEqual({ liveBuffers: 0, liveBytes: 0, peakBytes: 0 });
    const refused = /simd: a backend was used after dispose\(\).*setBackend\(simd\(\)\)/s;
    for (const use of [
      () => step.sync(w, y0),
      () => w.dataSync(),
      () => w.add(1),
      () => tensor([1]),
      () => jit((x: Tensor) => x.mul(2).tanh()).sync(w),
    ]) {
      expect(use).toThrow(BackendError);
      expect(use).toThrow(refused);
    }
    // they may still be disposed of
    for (const each of [w, y0, gradient]) each.dispose();
    await started();
    expect(tensor([1, 2]).add(1).dataSync()).toEqual(Float32Array.of(2, 3));
  });

  it('ends the other threads', async () => {
    const backend = await started({ threads: 2 });
    const x = random(5).normal([300, 300]);
    await jit((a: Tensor) => a.matMul(a).tanh())(x);
    backend.dispose();
    backend.dispose();
    expect(() => x.matMul(x)).toThrow(/used after dispose/);
  });
});

describe('memoryLimit', () => {
  it('runs kernel by kernel what does not fit, and says so', async () => {
    const turns = Array.from({ length: 12 }, (_, i) => i + 1);
    // a program keeps all twelve matrices from step to step; kernel by kernel each is made and let go
    const field = (_: Tensor, y: Tensor, w: Tensor): Tensor =>
      turns
        .map((i) => y.matMul(w.mul(i).tanh()))
        .reduce((sum, part) => sum.add(part))
        .tanh();
    const program = (w: Tensor, y0: Tensor) =>
      odeint(field, y0, [0, 1], { args: w, solver: euler(), stepSize: 0.5 }).ys;
    const inputs = [noise([220, 220], 1), noise([2, 220], 2)] as Inputs;
    const backend = simd({ memoryLimit: 2 ** 20 });
    const [got] = await runOn(backend, program, inputs);
    expect(backend.explain()).toMatch(/kernel by kernel: .* needs more memory than is left/);
    const [want] = await runOn(reference({ floatDType: 'float32' }), program, inputs);
    expect(difference(got, want)).toBeLessThan(1e-5);
    const roomy = simd();
    await runOn(roomy, program, inputs);
    expect(roomy.explain()).not.toContain('kernel by kernel');
  });

  it('says in one sentence that even that does not fit', async () => {
    await setBackend(simd({ memoryLimit: 2 ** 20 }));
    const huge = jit((a: Tensor) => a.broadcastTo([600, 600]).add(a.slice([0], [1])));
    const x = tensor(noise([600]) as number[]);
    expect(() => huge.sync(x)).toThrow(/simd: out of memory.*memoryLimit/s);
    // and the backend goes on
    expect(
      jit((a: Tensor) => a.sub(a))
        .sync(x)
        .dataSync(),
    ).toEqual(new Float32Array(600));
  });

  it('of at least a megabyte may be asked for', () => {
    expect(() => simd({ memoryLimit: 1000 })).toThrow(/simd: memoryLimit out of range; got 1000/);
  });

  it('says in one sentence where it is full', async () => {
    await setBackend(simd());
    const x = tensor([1, 2]);
    const huge = jit((a: Tensor) =>
      a
        .sum()
        .broadcastTo([60_000, 40_000])
        .add(a.slice([0], [1])),
    );
    expect(() => huge.sync(x)).toThrow(/simd: out of memory.*4 GB/s);
  });
});
