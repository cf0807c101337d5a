/**
 * The header of a safetensors file: read from bytes that may be anything, checked entry by entry. The checks are those
 * of the format's reference implementation (https://github.com/huggingface/safetensors, `safetensors/src/tensor.rs`):
 * tensors stand back to back, without hole or overlap, from the end of the header to the end of the file.
 */
import { bytesPerElement, type DType, showShape, sizeOf } from '@neuralode/tensor';
import { CheckpointError } from './checkpoint-error.ts';

/** Where one tensor stands. Offsets count from the end of the header, in bytes. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** In the order of their places. */
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the elements begin, in bytes from the start of the file. */
  readonly dataStart: number;
}

/** The key of the header that is no tensor. */
export const metadataKey = '__metadata__';

/** Bytes of the length that precedes the header. */
export const lengthBytes = 8;

/** The format's own limit, so that a forged length cannot fill the memory. */
const largestHeader = 100_000_000;

/** How the format calls our dtypes, widest first: the order in which files keep their elements aligned. */
export const formatNames = {
  float64: 'F64',
  float32: 'F32',
  int32: 'I32',
  bool: 'BOOL',
} as const satisfies Record<DType, string>;

const dtypes = new Map<unknown, DType>(
  Object.entries(formatNames).map(([dtype, name]) => [name, dtype as DType]),
);

/** Reads and checks the header of a whole file; throws a `CheckpointError`. */
export function parseHeader(bytes: Uint8Array): Header {
  const length = headerLength(bytes);
  const dataStart = lengthBytes + length;
  const header = parseJson(bytes.subarray(lengthBytes, dataStart));
  const entries = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    .map(([name, entry]) => checkEntry(name, entry))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  requireBackToBack(entries, bytes.length - dataStart);
  return { entries, metadata: checkMetadata(header[metadataKey]), dataStart };
}

function headerLength(bytes: Uint8Array): number {
  if (bytes.length < lengthBytes) {
    throw new CheckpointError({
      what: 'safetensors: the file ends before the length of its header',
      got: `${bytes.length} bytes`,
      expected: `at least ${lengthBytes}`,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > largestHeader) {
    throw new CheckpointError({
      what: 'safetensors: the first eight bytes are no header length',
      got: `${length} bytes`,
      expected: `at most ${largestHeader}`,
      remedy: 'This is probably a file of another kind',
    });
  }
  if (lengthBytes + length > bytes.length) {
    throw new CheckpointError({
      what: 'safetensors: the file is cut off inside its header',
      got: `${bytes.length} bytes`,
      expected: `more than ${lengthBytes + length}`,
    });
  }
  return length;
}

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(bytes: Uint8Array): Json {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CheckpointError(
      {
        what: 'safetensors: the header is not JSON',
        remedy: 'The file is damaged, or of another kind',
      },
      { cause },
    );
  }
  if (isObject(header)) return header;
  throw new CheckpointError({
    what: 'safetensors: the header is not a JSON object',
    got: JSON.stringify(header).slice(0, 40),
  });
}

function checkMetadata(metadata: unknown): Readonly<Record<string, string>> {
  if (metadata === undefined) return {};
  if (isObject(metadata) && Object.values(metadata).every((text) => typeof text === 'string')) {
    return metadata as Readonly<Record<string, string>>;
  }
  throw new CheckpointError({
    what: 'safetensors: the metadata is not a map from names to text',
    got: JSON.stringify(metadata).slice(0, 60),
  });
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(isCount);

function checkEntry(name: string, entry: unknown): HeaderEntry {
  const what = `safetensors: tensor "${name}"`;
  if (!isObject(entry) || !isCounts(entry.shape) || !isCounts(entry.data_offsets)) {
    throw new CheckpointError({
      what: `${what} is not described as the format asks`,
      got: JSON.stringify(entry).slice(0, 80),
      expected: '{ dtype, shape, data_offsets } with whole numbers ≥ 0',
    });
  }
  const dtype = dtypes.get(entry.dtype);
  if (dtype === undefined) {
    throw new CheckpointError({
      what: `${what} has a dtype that cannot be held`,
      got: String(entry.dtype),
      expected: [...dtypes.keys()].join(', '),
      remedy: 'Convert it before saving, for example to F32',
    });
  }
  const [begin, end] = entry.data_offsets;
  const bytes = sizeOf(entry.shape) * bytesPerElement(dtype);
  if (entry.data_offsets.length !== 2 || end - begin !== bytes) {
    throw new CheckpointError({
      what: `${what} has another size than its shape`,
      got: `bytes ${entry.data_offsets.join(' to ')}`,
      expected: `${bytes} bytes for ${entry.dtype} ${showShape(entry.shape)}`,
    });
  }
  return { name, dtype, shape: entry.shape, begin, end };
}

function requireBackToBack(entries: readonly HeaderEntry[], dataBytes: number): void {
  let reached = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== reached) {
      throw new CheckpointError({
        what: `safetensors: tensor "${name}" ${begin < reached ? 'overlaps the one before it' : 'leaves a hole before it'}`,
        got: `a start at byte ${begin}`,
        expected: `byte ${reached}`,
      });
    }
    reached = end;
  }
  if (reached === dataBytes) return;
  throw new CheckpointError({
    what:
      reached > dataBytes
        ? 'safetensors: the file is cut off inside its elements'
        : 'safetensors: bytes follow the last tensor',
    got: `${dataBytes} bytes of elements`,
    expected: String(reached),
    ...(reached > dataBytes && { remedy: 'Take an older checkpoint, or copy the file again' }),
  });
}
