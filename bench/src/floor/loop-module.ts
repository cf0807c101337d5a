/**
 * A small WebAssembly module, byte by byte: one register-blocked loop of multiply-adds in float32, as the innermost loop
 * of a matrix product has it, and nothing else.
 *
 * Opcodes are those of the WebAssembly core specification 2.0, section 5.4, and of the relaxed SIMD proposal.
 */

/** How a loop is blocked: rows of sums, and vectors of four columns in each. */
export interface Blocking {
  readonly rows: number;
  readonly vectors: number;
}

const i32 = 0x7f;
const v128 = 0x7b;
const op = { loop: 0x03, end: 0x0b, branchIf: 0x0d, get: 0x20, set: 0x21, tee: 0x22 } as const;
const onI32 = { constant: 0x41, less: 0x48, add: 0x6a, subtract: 0x6b } as const;
const onV128 = { load: 0, load32Splat: 9, store: 11, mul: 230, add: 228, madd: 0x105 } as const;
const empty = 0x40;

/** Unsigned LEB128; signed as well for what stays below 64 of a byte's 128, which `constant` sees to. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)];
}

/** i32.const of a number that is not negative: a last byte of 64 or more would be read as the sign. */
function constant(value: number): number[] {
  const bytes = leb(value);
  const last = bytes[bytes.length - 1];
  if (last < 64) return [onI32.constant, ...bytes];
  return [onI32.constant, ...bytes.slice(0, -1), last | 128, 0];
}

function vector(opcode: number, ...immediates: number[]): number[] {
  return [0xfd, ...leb(opcode), ...immediates];
}

function text(name: string): number[] {
  return [name.length, ...Array.from(name, (character) => character.charCodeAt(0))];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

/** Locals of the function, by number. */
const times = 0;
const a = 1;
const b = 2;
const left = 3;
const firstVector = 4;

/** One turn along k: rows × vectors multiply-adds of four lanes, on a scalar a row and a vector a column of vectors. */
function turn({ rows, vectors }: Blocking, fused: boolean): number[] {
  const right = (i: number): number => firstVector + i;
  const sum = (r: number, i: number): number => firstVector + vectors + r * vectors + i;
  const code: number[] = [];
  for (let i = 0; i < vectors; i++) {
    code.push(op.get, b, ...vector(onV128.load, 0, 16 * i), op.set, right(i));
  }
  for (let r = 0; r < rows; r++) {
    code.push(op.get, a, ...vector(onV128.load32Splat, 0, 4 * r), op.set, left);
    for (let i = 0; i < vectors; i++) {
      const [s, v] = [sum(r, i), right(i)];
      const product = [op.get, left, op.get, v];
      const added = fused
        ? [...product, op.get, s, ...vector(onV128.madd)]
        : [op.get, s, ...product, ...vector(onV128.mul), ...vector(onV128.add)];
      code.push(...added, op.set, s);
    }
  }
  return code;
}

function sumOf(local: number, bytes: number): number[] {
  return [op.get, local, ...constant(bytes), onI32.add];
}

/**
 * A module that exports its `memory`, where a column block a [depth, rows] and behind it a row block b [depth, 4 × vectors]
 * lie, and `run(times)`: it adds up aᵀ b so many times in registers, and stores the sums [rows, 4 × vectors] at 0.
 */
export function loopModule(
  blocking: Blocking,
  depth: number,
  fused: boolean,
): Uint8Array<ArrayBuffer> {
  const { rows, vectors } = blocking;
  const start = 4 * depth * rows;
  const firstSum = firstVector + vectors;
  const body = [
    ...[op.loop, empty, ...constant(0), op.set, a, ...constant(start), op.set, b, op.loop, empty],
    ...turn(blocking, fused),
    ...[
      ...sumOf(b, 16 * vectors),
      op.set,
      b,
      ...sumOf(a, 4 * rows),
      op.tee,
      a,
      ...constant(start),
      onI32.less,
      op.branchIf,
      0,
      op.end,
    ],
    ...[op.get, times, ...constant(1), onI32.subtract, op.tee, times, op.branchIf, 0, op.end],
    ...Array.from({ length: rows * vectors }, (_, i) => [
      ...[...constant(0), op.get, firstSum + i, ...vector(onV128.store, 0, ...leb(16 * i))],
    ]).flat(),
    op.end,
  ];
  // two addresses; the scalar, the vectors and the sums
  const locals = [2, 2, i32, ...leb(1 + vectors + rows * vectors), v128];
  const code = [...locals, ...body];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, i32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text('run'), 0, 0, ...text('memory'), 2, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}
