/**
 * The safetensors file format (https://huggingface.co/docs/safetensors): named tensors as bytes. Eight bytes of header
 * length (little-endian), a JSON header that gives each tensor's dtype, shape and place, then the elements.
 *
 * Written here because npm has no kept library that writes it. Bytes in, bytes out: no file is touched, so it runs in
 * a browser. Elements are little-endian, as is every machine that runs JavaScript.
 */
import {
  bytesPerElement,
  type DType,
  dtypeOf,
  type HostArray,
  hostArray,
  showShape,
  sizeOf,
} from '@neuralode/tensor';
import { CheckpointError } from './checkpoint-error.ts';
import { formatNames, lengthBytes, metadataKey, parseHeader } from './safetensors-header.ts';

/** A tensor in host memory. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major; booleans as bytes 0 and 1. */
  readonly data: HostArray;
}

/** What a safetensors file holds. */
export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  /** Free text by key; empty where the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * A safetensors file as bytes. `metadata` is free text for whoever reads the file. The same tensors give the same
 * bytes, those that the format's reference implementation writes. Throws a `CheckpointError` for a tensor whose data
 * do not fit its shape or dtype.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(tensors).sort(byWidthThenName);
  const described: [string, unknown][] =
    Object.keys(metadata).length > 0 ? [[metadataKey, metadata]] : [];
  let end = 0;
  for (const [name, tensor] of entries) {
    requireWritable(name, tensor);
    const begin = end;
    end += tensor.data.byteLength;
    const { dtype, shape } = tensor;
    described.push([name, { dtype: formatNames[dtype], shape, data_offsets: [begin, end] }]);
  }
  const header = paddedHeader(Object.fromEntries(described));
  const file = new Uint8Array(lengthBytes + header.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, lengthBytes);
  let place = lengthBytes + header.length;
  for (const [, { data }] of entries) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), place);
    place += data.byteLength;
  }
  return file;
}

/** Wide elements first, so that each tensor starts at a multiple of its element's size. */
function byWidthThenName([a, x]: [string, HostTensor], [b, y]: [string, HostTensor]): number {
  const order = Object.keys(formatNames);
  return order.indexOf(x.dtype) - order.indexOf(y.dtype) || (a < b ? -1 : 1);
}

/** The header as text, filled up with spaces so that the elements start at a multiple of eight bytes. */
function paddedHeader(header: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  return padded;
}

function requireWritable(name: string, { dtype, shape, data }: HostTensor): void {
  if (name === metadataKey) {
    throw new CheckpointError({
      what: `safetensors: no tensor can be called "${metadataKey}"; the format keeps its metadata there`,
    });
  }
  if (formatNames[dtype] !== undefined && dtypeOf(data) === dtype && data.length === sizeOf(shape))
    return;
  throw new CheckpointError({
    what: `safetensors: the data of "${name}" do not fit its description`,
    got: `${data.length} elements of ${dtypeOf(data)}`,
    expected: `${sizeOf(shape)} of ${dtype} for shape ${showShape(shape)}`,
  });
}

/** Reads a safetensors file. Throws a `CheckpointError` that names what is wrong with it. */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { entries, metadata, dataStart } = parseHeader(bytes);
  const tensors = entries.map(({ name, dtype, shape, begin, end }): [string, HostTensor] => {
    const data = hostArray(dtype, (end - begin) / bytesPerElement(dtype));
    // A copy, byte by byte: the file's elements need not be aligned, and may outlive it.
    new Uint8Array(data.buffer).set(bytes.subarray(dataStart + begin, dataStart + end));
    return [name, { dtype, shape, data }];
  });
  // fromEntries and not assignment: a tensor may be called "__proto__"
  return { tensors: Object.fromEntries(tensors), metadata };
}
