/**
 * A backend under test, with an account of the buffers that a test holds on it, so that every test ends with a leak
 * check and a failing one leaves nothing behind.
 */
import type { Backend, MemoryUse, Operand } from '../backend.ts';
import { type DType, dtypeOf, type HostArray } from '../dtype.ts';
import type { Primitive } from '../primitive.ts';
import { type Shape, sizeOf } from '../shape.ts';

export class Workbench {
  readonly backend: Backend;
  readonly #held = new Set<Operand>();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  upload(data: HostArray, shape: Shape, dtype: DType): Operand {
    return this.#hold({ handle: this.backend.upload(data, shape, dtype), shape, dtype });
  }

  /** Runs a primitive that has one output. */
  run(primitive: Primitive, operands: readonly Operand[], attrs?: unknown): Operand {
    const outputs = primitive.infer(operands, attrs);
    const handles = this.backend.run(primitive.name, operands, attrs, outputs);
    if (handles.length !== 1) throw new Error(`${handles.length} outputs instead of 1`);
    const [{ shape, dtype }] = outputs;
    if (dtype === 'opaque') throw new Error('an opaque output');
    return this.#hold({ handle: handles[0], shape, dtype });
  }

  /** The contents, read in every way that the backend has. */
  async read({ handle, shape, dtype }: Operand): Promise<HostArray> {
    const sync = this.backend.readSync?.(handle);
    const data = await this.backend.read(handle);
    if (dtypeOf(data) !== dtype || data.length !== sizeOf(shape)) {
      throw new Error(`read gave ${dtypeOf(data)}[${data.length}] for ${dtype}[${sizeOf(shape)}]`);
    }
    if (sync !== undefined && !identical(sync, data)) throw new Error('read and readSync differ');
    return data;
  }

  free(operand: Operand): void {
    this.#held.delete(operand);
    this.backend.free(operand.handle);
  }

  freeAll(): void {
    for (const operand of [...this.#held]) this.free(operand);
  }

  /** Takes a buffer into the account. */
  #hold(operand: Operand): Operand {
    this.#held.add(operand);
    return operand;
  }
}

/** Runs a test and then checks that live memory is back to what it was. */
export async function withWorkbench(
  backend: Backend,
  test: (bench: Workbench) => Promise<void>,
): Promise<void> {
  const before = backend.memory();
  const bench = new Workbench(backend);
  try {
    await test(bench);
  } catch (error) {
    try {
      bench.freeAll();
    } catch {
      // the first error is the one to tell
    }
    throw error;
  }
  bench.freeAll();
  checkSameMemory(before, backend.memory());
}

function checkSameMemory(before: MemoryUse, after: MemoryUse): void {
  const buffers = after.liveBuffers - before.liveBuffers;
  const bytes = after.liveBytes - before.liveBytes;
  if (buffers !== 0 || bytes !== 0) {
    throw new Error(`leak: ${buffers} buffers and ${bytes} bytes more than before`);
  }
}

/** The same element type and the same elements, NaN equal to itself and 0 to -0. */
export function identical(a: HostArray, b: HostArray): boolean {
  if (dtypeOf(a) !== dtypeOf(b) || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !(Number.isNaN(a[i]) && Number.isNaN(b[i]))) return false;
  }
  return true;
}
