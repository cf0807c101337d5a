/**
 * Writes the body of one WebAssembly function, instruction by instruction.
 *
 * Opcodes are those of the WebAssembly core specification 2.0, section 5.4, and of its SIMD instructions.
 */
import { leb, signedLeb, type ValueType, valueTypes } from './encoding.ts';

/** Code that leaves one value on the stack. */
export type Emit = () => void;

/** A signature: parameters, and at most one result. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const float64 = new Float64Array(1);
const float32 = new Float32Array(1);
const float64Bytes = new Uint8Array(float64.buffer);
const float32Bytes = new Uint8Array(float32.buffer);

/** Bytes, and stretches of code that may still grow. */
export type Segment = (number | Segment)[];

function flatten(segment: Segment, into: number[]): void {
  for (const part of segment) {
    if (typeof part === 'number') into.push(part);
    else flatten(part, into);
  }
}

export class FunctionWriter {
  readonly signature: Signature;
  readonly #locals: ValueType[] = [];
  /** Runs before everything else: constants kept in locals. */
  readonly #prologue: Segment = [];
  readonly #constants = new Map<string, number>();
  #code: Segment = [];

  constructor(params: readonly ValueType[], results: readonly ValueType[] = []) {
    this.signature = { params, results };
  }

  /** The function as it stands in a code section, without its length. */
  body(): number[] {
    const locals = this.#locals.flatMap((type) => [1, valueTypes[type]]);
    const code = [...leb(this.#locals.length), ...locals];
    flatten(this.#prologue, code);
    flatten(this.#code, code);
    code.push(0x0b);
    return code;
  }

  local(type: ValueType): number {
    this.#locals.push(type);
    return this.signature.params.length + this.#locals.length - 1;
  }

  /** A place here in the code that more can be written into later. */
  segment(): Segment {
    const segment: Segment = [];
    this.#code.push(segment);
    return segment;
  }

  /** Writes at a segment's end what `write` writes. */
  into(segment: Segment, write: () => void): void {
    const code = this.#code;
    this.#code = segment;
    write();
    this.#code = code;
  }

  op(...bytes: number[]): void {
    for (const byte of bytes) this.#code.push(byte);
  }

  get(local: number): void {
    this.op(0x20, ...leb(local));
  }

  set(local: number): void {
    this.op(0x21, ...leb(local));
  }

  tee(local: number): void {
    this.op(0x22, ...leb(local));
  }

  /** Evaluates once, into a fresh local. */
  let(type: ValueType, value: Emit): number {
    const local = this.local(type);
    value();
    this.set(local);
    return local;
  }

  /** The local that `value`, evaluated once before everything else, is kept in; one for each key. */
  once(key: string, type: ValueType, value: Emit): number {
    let local = this.#constants.get(key);
    if (local === undefined) {
      local = this.local(type);
      this.into(this.#prologue, () => {
        value();
        this.set(local as number);
      });
      this.#constants.set(key, local);
    }
    return local;
  }

  i32(value: number): void {
    this.op(0x41, ...signedLeb(value | 0));
  }

  /** Of 32 bits at most. */
  i64(value: number): void {
    this.op(0x42, ...signedLeb(value));
  }

  f32(value: number): void {
    float32[0] = value;
    this.op(0x43, ...float32Bytes);
  }

  f64(value: number): void {
    float64[0] = value;
    this.op(0x44, ...float64Bytes);
  }

  call(index: number): void {
    this.op(0x10, ...leb(index));
  }

  /** Calls the function at the place in the table that is on the stack; `type` is the index of its signature. */
  callIndirect(type: number): void {
    this.op(0x11, ...leb(type), 0);
  }

  /** An instruction on memory that threads share; `align` is the logarithm of the operand's size. */
  atomic(opcode: number, offset = 0, align = 2): void {
    this.op(0xfe, opcode, align, ...leb(offset));
  }

  /** A SIMD instruction with its immediate bytes. */
  simd(opcode: number, ...immediates: number[]): void {
    this.op(0xfd, ...leb(opcode), ...immediates);
  }

  /** A load or store of the plain instruction set; `align` is the logarithm of the alignment promised. */
  memory(opcode: number, offset = 0, align = 0): void {
    this.op(opcode, align, ...leb(offset));
  }

  /** A SIMD load or store, of one lane where that is given. */
  simdMemory(opcode: number, offset = 0, lane?: number): void {
    this.simd(opcode, 0, ...leb(offset), ...(lane === undefined ? [] : [lane]));
  }

  /** The sum of an i32 local and a constant. */
  address(local: number, offset = 0): void {
    this.get(local);
    if (offset === 0) return;
    this.i32(offset);
    this.op(0x6a);
  }

  advance(local: number, by: number): void {
    this.address(local, by);
    this.set(local);
  }

  /** Runs `body` while `test` leaves something other than 0. */
  while(test: Emit, body: Emit): void {
    this.op(0x02, 0x40, 0x03, 0x40);
    test();
    this.op(0x45, 0x0d, 1);
    body();
    this.op(0x0c, 0, 0x0b, 0x0b);
  }

  if(test: Emit, body: Emit, otherwise?: Emit): void {
    test();
    this.op(0x04, 0x40);
    body();
    if (otherwise !== undefined) {
      this.op(0x05);
      otherwise();
    }
    this.op(0x0b);
  }

  /** Runs `body` for 0, step, 2 step … below `end`, a fresh i32 local that `body` is told of; known to run at least once. */
  count(end: number, step: number, body: (index: number) => void): void {
    const index = this.local('i32');
    this.i32(0);
    this.set(index);
    this.op(0x03, 0x40);
    body(index);
    this.address(index, step);
    this.tee(index);
    this.i32(end);
    this.op(0x48, 0x0d, 0, 0x0b);
  }
}
