/**
 * Tapes in a program's memory. Frames follow one another in stretches that the host hands out as they are needed. A frame
 * ends in its kind and its size, so that the tape can be walked from its end; where a new stretch begins, a link leads back
 * to the end of the frame before.
 */
import {
  bytesPerElement,
  type DType,
  type Frame,
  type FrameLayout,
  type Num,
  type ProgramTape,
  sizeOf,
} from '@neuralode/tensor';
import { hostIndex } from '../kernels/host-functions.ts';
import type { FunctionWriter } from '../wasm/function-writer.ts';
import { aligned } from '../arena.ts';
import { MemoryBlock } from './memory-block.ts';
import { DynamicNumber, pushNumber } from './number-code.ts';

/** Bytes at the end of a frame: 8 unused, its kind, its size. Those of a link: where the frame before ends, then the same. */
const trailer = 16;
const linkKind = -1;

const load = 0x28;
const store = 0x36;

class FrameCode implements Frame {
  readonly #f: FunctionWriter;
  readonly base: number;
  readonly kind: number;
  readonly bytes: number;
  readonly blocks: readonly MemoryBlock[];

  constructor(f: FunctionWriter, base: number, kind: number, { blocks, numbers }: FrameLayout) {
    this.#f = f;
    this.base = base;
    this.kind = kind;
    let at = aligned(8 * numbers);
    this.blocks = blocks.map((spec) => {
      const block = new MemoryBlock(spec, base, at);
      at += aligned(sizeOf(spec.shape) * bytesPerElement(spec.dtype as DType));
      return block;
    });
    this.bytes = at + trailer;
  }

  number(index: number): Num {
    const f = this.#f;
    return new DynamicNumber(
      f.let('f64', () => {
        f.get(this.base);
        f.memory(0x2b, 8 * index);
      }),
    );
  }

  setNumber(index: number, value: Num): void {
    this.#f.get(this.base);
    pushNumber(this.#f, value);
    this.#f.memory(0x39, 8 * index);
  }
}

export class TapeWriter {
  readonly #f: FunctionWriter;
  /** Where the next frame begins, and where the stretch ends; both 0 at first. */
  readonly #top: number;
  readonly #end: number;

  constructor(f: FunctionWriter) {
    this.#f = f;
    this.#top = f.local('i32');
    this.#end = f.local('i32');
  }

  tape(layouts: readonly FrameLayout[]): ProgramTape {
    const f = this.#f;
    const start = f.let('i32', () => f.get(this.#top));
    const end = f.let('i32', () => f.get(this.#top));
    return {
      frame: (kind) => this.#begin(kind, layouts[kind]),
      keep: (frame) => {
        this.#keep(frame as FrameCode);
        f.get(this.#top);
        f.set(end);
      },
      walk: (visit) => this.#walk(layouts, start, end, visit),
    };
  }

  #begin(kind: number, layout: FrameLayout): FrameCode {
    const f = this.#f;
    const { bytes } = new FrameCode(f, 0, kind, layout);
    f.if(
      () => {
        f.address(this.#top, bytes);
        f.get(this.#end);
        f.op(0x4b);
      },
      () => this.#link(bytes),
    );
    return new FrameCode(
      f,
      f.let('i32', () => f.get(this.#top)),
      kind,
      layout,
    );
  }

  /** Goes on in a fresh stretch, of which the host has written the end into its first bytes. */
  #link(bytes: number): void {
    const f = this.#f;
    f.i32(bytes + trailer);
    f.call(hostIndex('moreTape'));
    const stretch = f.let('i32', () => {});
    f.get(stretch);
    f.memory(load);
    f.set(this.#end);
    this.#storeAt(stretch, 0, () => f.get(this.#top));
    this.#storeAt(stretch, 8, () => f.i32(linkKind));
    this.#storeAt(stretch, 12, () => f.i32(trailer));
    f.address(stretch, trailer);
    f.set(this.#top);
  }

  #storeAt(base: number, offset: number, value: () => void): void {
    this.#f.get(base);
    value();
    this.#f.memory(store, offset);
  }

  #keep({ base, bytes, kind }: FrameCode): void {
    const f = this.#f;
    this.#storeAt(base, bytes - 8, () => f.i32(kind));
    this.#storeAt(base, bytes - 4, () => f.i32(bytes));
    f.address(base, bytes);
    f.set(this.#top);
  }

  #walk(
    layouts: readonly FrameLayout[],
    start: number,
    end: number,
    visit: readonly ((frame: Frame) => void)[],
  ): void {
    const f = this.#f;
    const at = f.let('i32', () => f.get(end));
    f.while(
      () => {
        f.get(at);
        f.get(start);
        f.op(0x47);
      },
      () => {
        const frame = f.let('i32', () => {
          f.get(at);
          f.address(at, -4);
          f.memory(load);
          f.op(0x6b);
        });
        const kind = f.let('i32', () => {
          f.address(at, -8);
          f.memory(load);
        });
        f.get(frame);
        f.set(at);
        f.if(
          () => {
            f.get(kind);
            f.i32(linkKind);
            f.op(0x46);
          },
          () => {
            f.get(frame);
            f.memory(load);
            f.set(at);
          },
        );
        layouts.forEach((layout, i) => {
          f.if(
            () => {
              f.get(kind);
              f.i32(i);
              f.op(0x46);
            },
            () => visit[i](new FrameCode(f, frame, i, layout)),
          );
        });
      },
    );
  }
}
