/** Where a block of a program lies: so many bytes beyond an address that is known when the program runs. */
import type { Block, DType, Spec } from '@neuralode/tensor';
import type { FunctionWriter } from '../wasm/function-writer.ts';

export class MemoryBlock implements Block {
  readonly kind = 'block';
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The i32 local of the main function that holds the address. */
  readonly base: number;
  readonly offset: number;

  constructor({ shape, dtype }: Spec, base: number, offset: number) {
    this.shape = shape;
    this.dtype = dtype as DType;
    this.base = base;
    this.offset = offset;
  }

  /** The block as `spec`, beginning `bytes` further on. */
  as(spec: Spec, bytes = 0): MemoryBlock {
    return new MemoryBlock(spec, this.base, this.offset + bytes);
  }

  /** Leaves its address on the stack. */
  push(f: FunctionWriter): void {
    f.address(this.base, this.offset);
  }
}
