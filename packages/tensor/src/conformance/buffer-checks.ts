/** What a backend owes its caller as a keeper of buffers, whatever it computes. */
import type { Backend, Operand } from '../backend.ts';
import { bytesPerElement, type DType, type HostArray, hostArray, toHostArray } from '../dtype.ts';
import { NeuralodeError } from '../errors.ts';
import { add, fill, mul, neg } from '../primitives/index.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { compare, exact } from './tolerance.ts';
import { identical, type Workbench, withWorkbench } from './workbench.ts';

interface Check {
  readonly name: string;
  run(): Promise<void>;
}

/** The numbers 0, 1, 2 …; 0 and 1 by turns for bool. */
function counting(dtype: DType, size: number, from = 0): HostArray {
  const values = Float64Array.from({ length: size }, (_, i) => from + i);
  return toHostArray(dtype, dtype === 'bool' ? values.map((x) => x % 2) : values);
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

type DTypeCheck = (bench: Workbench, dtype: DType) => Promise<void>;

const roundTripShapes: readonly Shape[] = [
  [],
  [1],
  [5],
  [3, 4],
  [2, 3, 4],
  [2, 1, 2, 3],
  [0],
  [2, 0],
];

const roundTrip: DTypeCheck = async (bench, dtype) => {
  const buffers = roundTripShapes.map((shape) => {
    const data = counting(dtype, sizeOf(shape), 3);
    return { data, operand: bench.upload(data, shape, dtype) };
  });
  for (const { data, operand } of buffers) {
    expect(
      identical(await bench.read(operand), data),
      `shape [${operand.shape}] came back changed`,
    );
  }
};

const extremes: Readonly<Record<DType, readonly number[]>> = {
  float64: [Number.NaN, Infinity, -Infinity, Number.MAX_VALUE, 0.1, 1 / 3],
  float32: [Number.NaN, Infinity, -Infinity, 3.4028234663852886e38, 0.1, 1 / 3],
  int32: [2147483647, -2147483648, 16777217, -1, 0],
  bool: [0, 1, 1, 0],
};

const extremeRoundTrip: DTypeCheck = async (bench, dtype) => {
  const data = toHostArray(dtype, extremes[dtype]);
  const operand = bench.upload(data, [data.length], dtype);
  expect(identical(await bench.read(operand), data), 'an extreme value came back changed');
};

const readCopies: DTypeCheck = async (bench, dtype) => {
  const data = counting(dtype, 6);
  const operand = bench.upload(data, [6], dtype);
  (await bench.backend.read(operand.handle)).fill(1);
  bench.backend.readSync?.(operand.handle).fill(1);
  expect(
    identical(await bench.read(operand), data),
    'writing to what read gave changed the buffer',
  );
};

const uploadCopies: DTypeCheck = async (bench, dtype) => {
  const data = counting(dtype, 6);
  const operand = bench.upload(data, [6], dtype);
  data.fill(1);
  const same = identical(await bench.read(operand), counting(dtype, 6));
  expect(same, 'writing to the uploaded array changed the buffer');
};

const counts: DTypeCheck = async (bench, dtype) => {
  const { backend } = bench;
  const before = backend.memory();
  const operand = bench.upload(counting(dtype, 1000), [1000], dtype);
  const during = backend.memory();
  const bytes = 1000 * bytesPerElement(dtype);
  expect(during.liveBuffers === before.liveBuffers + 1, 'upload did not count one live buffer');
  expect(during.liveBytes >= before.liveBytes + bytes, `upload did not count ${bytes} live bytes`);
  bench.free(operand);
  const after = backend.memory();
  expect(after.liveBuffers === before.liveBuffers, 'free did not give the buffer back');
  expect(after.liveBytes === before.liveBytes, 'free did not give the bytes back');
};

const peak: DTypeCheck = async (bench, dtype) => {
  const { backend } = bench;
  backend.resetPeak();
  const start = backend.memory();
  expect(start.peakBytes === start.liveBytes, 'resetPeak did not set the peak to what is live');
  const bytes = 1000 * bytesPerElement(dtype);
  const [a, b] = [0, 1].map(() => bench.upload(counting(dtype, 1000), [1000], dtype));
  bench.free(a);
  bench.free(b);
  const reached = backend.memory().peakBytes;
  expect(reached >= start.liveBytes + 2 * bytes, 'the peak is less than what was live at once');
  backend.resetPeak();
  expect(backend.memory().peakBytes === start.liveBytes, 'resetPeak kept an old peak');
};

/** Frees every third of many buffers and fills the gaps: nobody else's contents may move. */
const manyBuffers: DTypeCheck = async (bench, dtype) => {
  const make = (i: number): Operand =>
    bench.upload(counting(dtype, 1 + (i % 17), i), [1 + (i % 17)], dtype);
  const live = new Map<number, Operand>();
  for (let i = 0; i < 150; i++) live.set(i, make(i));
  for (let i = 0; i < 150; i += 3) {
    bench.free(live.get(i) as Operand);
    live.set(i, make(i + 1000));
  }
  const entries = [...live];
  const contents = await Promise.all(entries.map(([, operand]) => bench.read(operand)));
  for (const [place, [i]] of entries.entries()) {
    const seed = i % 3 === 0 ? i + 1000 : i;
    expect(
      identical(contents[place], counting(dtype, 1 + (seed % 17), seed)),
      `buffer ${i} changed`,
    );
  }
};

const filledAndFreed: DTypeCheck = async (bench, dtype) => {
  const { backend } = bench;
  const start = backend.memory();
  for (let i = 0; i < 100; i++) {
    const attrs = { value: 1, shape: [50], dtype };
    bench.free(bench.run(fill, [], attrs));
    const now = backend.memory();
    expect(
      now.liveBytes === start.liveBytes,
      `run ${i} left ${now.liveBytes - start.liveBytes} bytes`,
    );
  }
};

const perDType: Readonly<Record<string, DTypeCheck>> = {
  'upload and read back': roundTrip,
  'extreme values come back': extremeRoundTrip,
  'read gives a copy': readCopies,
  'upload takes a copy': uploadCopies,
  'memory counts what is live': counts,
  'the peak rises and is reset': peak,
  'many at once keep their contents': manyBuffers,
  'a hundred runs leave nothing': filledAndFreed,
};

/** x + x, x × x, and a chain whose links are freed on the way. */
async function sameBufferTwice(bench: Workbench): Promise<void> {
  const dtype = bench.backend.floatDType;
  const x = bench.upload(counting(dtype, 6), [6], dtype);
  const doubled = bench.run(add, [x, x]);
  const squared = bench.run(mul, [doubled, doubled]);
  bench.free(doubled);
  bench.free(x);
  const result = bench.run(neg, [squared]);
  bench.free(squared);
  const want = toHostArray(dtype, [0, -4, -16, -36, -64, -100]);
  compare(await bench.read(result), want, dtype, exact);
}

async function unknownPrimitive({ backend }: Workbench): Promise<void> {
  const output = { shape: [], dtype: backend.floatDType };
  try {
    backend.run('noSuchPrimitive', [], undefined, [output]);
  } catch (error) {
    expect(error instanceof NeuralodeError, `refused with ${String(error)}, not a NeuralodeError`);
    expect(String(error).includes('noSuchPrimitive'), 'the error does not name the primitive');
    return;
  }
  throw new Error('a primitive that does not exist was run');
}

async function describesItself({ backend }: Workbench): Promise<void> {
  expect(backend.name.length > 0, 'no name');
  expect(backend.dtypes.includes(backend.floatDType), 'floatDType is not among its dtypes');
  expect(new Set(backend.dtypes).size === backend.dtypes.length, 'a dtype is named twice');
  for (const dtype of backend.dtypes) hostArray(dtype, 0);
  const { liveBuffers, liveBytes, peakBytes } = backend.memory();
  expect(liveBuffers >= 0 && liveBytes >= 0, 'memory counts less than nothing');
  expect(peakBytes >= liveBytes, 'the peak is below what is live');
}

/** Every check for the dtypes that the backend has, each with a leak check. */
export function bufferChecks(backend: Backend): Check[] {
  const check = (name: string, body: (bench: Workbench) => Promise<void>): Check => {
    return { name: `buffers: ${name}`, run: () => withWorkbench(backend, body) };
  };
  return [
    check('the backend describes itself', describesItself),
    check('one buffer as both operands', sameBufferTwice),
    check('an unknown primitive is refused', unknownPrimitive),
    ...backend.dtypes.flatMap((dtype) =>
      Object.entries(perDType).map(([name, body]) =>
        check(`${name} (${dtype})`, (bench) => body(bench, dtype)),
      ),
    ),
  ];
}
