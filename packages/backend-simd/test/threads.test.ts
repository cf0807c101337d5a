/** Work shared by threads: the same numbers, whoever does it and however many there are. */
import { direct } from '@neuralode/adjoint';
import { grad, jit } from '@neuralode/autodiff';
import { simd } from '@neuralode/backend-simd';
import { odeint } from '@neuralode/solvers';
import { ArgumentError, type HostArray, random, setBackend, type Tensor } from '@neuralode/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Heap } from '../src/heap.ts';
import { declareHost } from '../src/kernels/host-functions.ts';
import { Crew } from '../src/threads/crew.ts';
import { board, boardBytes } from '../src/threads/job-board.ts';
import { SharedCalls } from '../src/threads/shared-calls.ts';
import { FunctionWriter } from '../src/wasm/function-writer.ts';
import { ModuleWriter } from '../src/wasm/module-writer.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

type Fn = (...inputs: Tensor[]) => Tensor;

/** Functions whose kernels are large enough to be shared, each cut in another way. */
const functions: Record<string, { fn: Fn; shapes: number[][] }> = {
  elementwise: { fn: (x, y) => x.sub(y).tanh().mul(x).exp(), shapes: [[96, 300], [300]] },
  'of one row for all, flat': { fn: (x) => x.mul(2).sin(), shapes: [[90_000]] },
  'in three parts': { fn: (x, y) => x.add(y).square(), shapes: [[3, 40_001], [40_001]] },
  'not in equal parts': { fn: (x) => x.square(), shapes: [[70_001]] },
  'a product': {
    fn: (x, w, b) => x.matMul(w).add(b).tanh(),
    shapes: [[128, 70], [70, 64], [64]],
  },
  'a product, transposed': {
    fn: (x, y) => x.transpose().matMul(y),
    shapes: [
      [200, 64],
      [200, 48],
    ],
  },
  'sums of rows': { fn: (x) => x.sum(2), shapes: [[64, 36, 64]] },
  'sums of columns': { fn: (x) => x.sum(0), shapes: [[600, 128]] },
  'a transpose': { fn: (x) => x.transpose([0, 2, 1]).mul(1), shapes: [[32, 50, 64]] },
  'a convolution': {
    fn: (x, w) => x.conv2d(w, { padding: 1 }),
    shapes: [
      [24, 7, 7, 16],
      [3, 3, 16, 16],
    ],
  },
  'a strided convolution': {
    fn: (x, w) => x.conv2d(w, { padding: 1, strides: 2 }),
    shapes: [
      [32, 12, 12, 16],
      [4, 4, 16, 16],
    ],
  },
};

async function computed(threads: number, fn: Fn, shapes: number[][]): Promise<HostArray[]> {
  await setBackend(simd({ threads }));
  const rng = random(3);
  const inputs = shapes.map((shape) => rng.normal(shape));
  const both = jit((...args: Tensor[]) => [
    fn(...args),
    grad((x: Tensor) =>
      fn(x, ...args.slice(1))
        .square()
        .mean(),
    )(args[0]),
  ]);
  // twice, so that the other threads have come by then
  await both(...inputs);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const [value, derivative] = await both(...inputs);
  return [await value.data(), await derivative.data()];
}

describe('several threads', () => {
  it.each(Object.entries(functions))('compute the same bits: %s', async (_, { fn, shapes }) => {
    const alone = await computed(1, fn, shapes);
    expect(await computed(3, fn, shapes)).toEqual(alone);
  });

  it('solve an equation and differentiate it as one does', async () => {
    const run = async (threads: number): Promise<HostArray> => {
      await setBackend(simd({ threads }));
      const rng = random(0);
      const [w, y0] = [rng.normal([64, 64]), rng.normal([128, 64])];
      const loss = (weight: Tensor): Tensor => {
        const field = (_t: Tensor, y: Tensor, by: Tensor): Tensor => y.matMul(by).mul(0.1).tanh();
        const { ys } = odeint(field, y0, [0, 1], { args: weight, gradient: direct() });
        return ys.square().mean();
      };
      const step = jit(grad(loss));
      await step(w);
      return (await step(w)).data();
    };
    expect(await run(2)).toEqual(await run(1));
  });

  it.each([0, 1.5, 1000, Number.NaN])('cannot be %s', (threads) => {
    expect(() => simd({ threads })).toThrow(ArgumentError);
    expect(() => simd({ threads })).toThrow(/number of threads.*whole number from 1 to 127/s);
  });

  it('are one where memory cannot be shared, and the backend says why', () => {
    vi.stubGlobal('crossOriginIsolated', false);
    const backend = simd({ threads: 4 });
    expect(backend.threads).toBe(1);
    expect(backend.explain()).toMatch(/one thread, not 4.*cross-origin isolation/s);
  });
});

describe('a crew', () => {
  it('takes parts of jobs of the program that it is called to', async () => {
    const heap = new Heap(2 ** 24, true);
    const crew = new Crew(heap, 3);
    const at = crew.board();
    const counts = heap.take(4 * 8);
    const module = new ModuleWriter(heap.sharedPages);
    declareHost(module);
    const calls = new SharedCalls({ at, threads: 3 }, module);
    // adds 1 to the number at its address
    const kernel = new FunctionWriter(['i32']);
    kernel.get(0);
    kernel.get(0);
    kernel.memory(0x28);
    kernel.i32(1);
    kernel.op(0x6a);
    kernel.memory(0x36);
    const main = new FunctionWriter([]);
    calls.call(main, module.add(kernel), 8, [4], () => main.i32(counts));
    module.export(module.add(main));
    const compiled = new WebAssembly.Module(module.bytes());
    const program = crew.add(compiled);

    // a job put on the board by hand, which the thread of the test takes no part in
    const numbers = new Int32Array(heap.memory.buffer);
    numbers.fill(0, counts / 4, counts / 4 + 8);
    Atomics.store(numbers, (at + board.addresses) / 4, counts);
    Atomics.store(numbers, (at + board.next) / 4, (1 << 16) | (8 << 8));
    const done = (at + board.done) / 4;
    const finished = (): void => {
      // again and again: a thread that finds nothing to do for a while goes
      crew.call(program);
      expect(Atomics.load(numbers, done)).toBe(8);
    };
    await vi.waitFor(finished, { timeout: 20_000 });
    expect(Array.from(numbers.slice(counts / 4, counts / 4 + 8))).toEqual(new Array(8).fill(1));
  });

  it('has a board again once all threads have forgotten its program', async () => {
    const heap = new Heap(2 ** 24, true);
    const crew = new Crew(heap, 3);
    const module = new ModuleWriter(heap.sharedPages);
    declareHost(module);
    const nothing = new FunctionWriter(['i32', 'i32']);
    module.export(module.add(nothing), 'serve');
    const compiled = new WebAssembly.Module(module.bytes());
    const at = crew.board();
    new Uint8Array(heap.memory.buffer, at, boardBytes).fill(1);
    const program = crew.add(compiled);
    crew.dismiss(program, at);
    // they cannot have heard of it before this turn of the event loop ends
    expect(crew.board()).not.toBe(at);
    const boards: number[] = [];
    await vi.waitFor(
      () => {
        boards.push(crew.board());
        expect(boards.at(-1)).toBe(at);
      },
      { timeout: 20_000 },
    );
    expect(new Uint8Array(heap.memory.buffer, at, boardBytes)).toEqual(new Uint8Array(boardBytes));
    expect(crew.board()).not.toBe(at);
    crew.dispose();
  });
});
