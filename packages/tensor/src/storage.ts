/**
 * Where the elements of a tensor that a user holds are kept: a device buffer, freed in one of three ways.
 *
 * - `dispose()`, at once;
 * - the garbage collector, through a finalizer, for a tensor that was simply dropped;
 * - paging. Finalizers only run when the event loop turns, and the collector sees none of a device's memory, so a
 *   plain loop could fill the device with dropped tensors before either acts. Past a limit the oldest buffers are
 *   therefore copied to host memory, which the collector does manage, and come back when they are next used. On a
 *   device that cannot be read at once this is not to be had, and the finalizer is all there is.
 */
import type { Backend } from './backend.ts';
import type { DType, HostArray } from './dtype.ts';
import { bytesPerElement } from './dtype.ts';
import { DisposedError } from './errors.ts';
import { DeviceBuffer } from './execute.ts';
import { sizeOf } from './shape.ts';

/** What users' tensors may hold of one device before paging starts. */
const pagingLimits = { bytes: 256 * 2 ** 20, buffers: 20_000 };

/**
 * One tensor's elements, on the device or (paged out) on the host. Apart from `Storage`, because the finalizer and
 * the list of resident buffers must not keep the tensor itself alive.
 */
interface Cell {
  buffer: DeviceBuffer | undefined;
  page: HostArray | undefined;
  readonly bytes: number;
}

class Residents {
  /** Oldest first: a Set keeps insertion order. */
  readonly #cells = new Set<Cell>();
  #bytes = 0;

  add(cell: Cell): void {
    this.#cells.add(cell);
    this.#bytes += cell.bytes;
    while (this.#bytes > pagingLimits.bytes || this.#cells.size > pagingLimits.buffers) {
      if (!this.#pageOutOldest(cell)) return;
    }
  }

  remove(cell: Cell): void {
    if (this.#cells.delete(cell)) this.#bytes -= cell.bytes;
  }

  #pageOutOldest(newest: Cell): boolean {
    for (const cell of this.#cells) {
      const buffer = cell.buffer as DeviceBuffer;
      if (cell === newest || buffer.backend.readSync === undefined) return false;
      if (buffer.shared) continue; // a running graph reads it
      cell.page = buffer.backend.readSync(buffer.handle);
      release(cell);
      return true;
    }
    return false;
  }
}

const residents = new WeakMap<Backend, Residents>();
const dropped = new FinalizationRegistry<Cell>(release);

function residentsOf(backend: Backend): Residents {
  let list = residents.get(backend);
  if (list === undefined) {
    list = new Residents();
    residents.set(backend, list);
  }
  return list;
}

function release(cell: Cell): void {
  const { buffer } = cell;
  if (buffer === undefined) return;
  cell.buffer = undefined;
  dropped.unregister(cell);
  residentsOf(buffer.backend).remove(cell);
  buffer.release();
}

export class Storage {
  readonly backend: Backend;
  readonly #shape: readonly number[];
  readonly #dtype: DType;
  #cell: Cell | undefined;

  /** Takes over the caller's reference to `buffer`. */
  constructor(buffer: DeviceBuffer, shape: readonly number[], dtype: DType) {
    this.backend = buffer.backend;
    this.#shape = shape;
    this.#dtype = dtype;
    this.#cell = {
      buffer: undefined,
      page: undefined,
      bytes: sizeOf(shape) * bytesPerElement(dtype),
    };
    this.#settle(this.#cell, buffer);
  }

  get disposed(): boolean {
    return this.#cell === undefined;
  }

  /** The buffer, brought back to the device if it was paged out. Borrowed: retain it to keep it. */
  get buffer(): DeviceBuffer {
    const cell = this.#cell;
    if (cell === undefined) {
      throw new DisposedError({
        what: 'A tensor was used after dispose()',
        remedy: 'Dispose of a tensor only when nothing reads it any more',
      });
    }
    if (cell.buffer === undefined) {
      const page = cell.page as HostArray;
      cell.page = undefined;
      const handle = this.backend.upload(page, this.#shape, this.#dtype);
      this.#settle(cell, new DeviceBuffer(this.backend, handle));
    }
    return cell.buffer as unknown as DeviceBuffer;
  }

  dispose(): void {
    if (this.#cell === undefined) return;
    release(this.#cell);
    this.#cell = undefined;
  }

  #settle(cell: Cell, buffer: DeviceBuffer): void {
    cell.buffer = buffer;
    dropped.register(this, cell, cell);
    residentsOf(this.backend).add(cell);
  }
}
