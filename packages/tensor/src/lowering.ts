/**
 * How a primitive that is a program (`scan`, `odeSolve`) tells a compiling backend what it does: as code over numbers,
 * blocks of memory and graphs.
 *
 * A primitive's `lower` is called once, when a graph is compiled. What it calls here is not done but written down, in
 * order: `numbers.add(a, b)` is an addition that the program will make, and `loop` a loop that it will run. So the
 * primitive keeps its knowledge (what a solve is), and the backend its own (how to make code of it).
 */
import type { Spec } from './dtype.ts';
import type { Graph } from './graph.ts';

/** A float64 number that the program will have: a constant, or a result that only the backend can read. */
export type Num = number | { readonly kind: 'number' };

/** A condition that the program will test. */
export interface Test {
  readonly kind: 'test';
}

/** A float64 variable of the program. */
export interface Variable {
  /** Its value now; later assignments do not change what was read. */
  get(): Num;
  set(value: Num): void;
}

/** A tensor's elements in the program's memory. */
export interface Block extends Spec {
  readonly kind: 'block';
}

/** What an `opaque` output leaves to its readers: anything that the two primitives agree on, at compile time. */
export interface OpaquePlace {
  readonly kind: 'opaque';
  content: unknown;
}

export type Place = Block | OpaquePlace;

/** Float64 arithmetic as JavaScript has it. */
export interface Arithmetic {
  add(a: Num, b: Num): Num;
  sub(a: Num, b: Num): Num;
  mul(a: Num, b: Num): Num;
  div(a: Num, b: Num): Num;
  min(a: Num, b: Num): Num;
  max(a: Num, b: Num): Num;
  abs(a: Num): Num;
  exp(a: Num): Num;
  log(a: Num): Num;
  /** `a ** b`. */
  pow(a: Num, b: Num): Num;
  less(a: Num, b: Num): Test;
  lessEqual(a: Num, b: Num): Test;
  equal(a: Num, b: Num): Test;
  isFinite(a: Num): Test;
  both(a: Test, b: Test): Test;
  either(a: Test, b: Test): Test;
  not(a: Test): Test;
  /** `test ? a : b`. */
  choose(test: Test, a: Num, b: Num): Num;
}

/** A graph made ready to be run many times with the same constants: what depends on these alone was run already. */
export interface PreparedGraph {
  /**
   * Runs it. A number given for an input becomes a scalar of the input's dtype; outputs for which there is no place are
   * not computed. Outputs must not lie where inputs do.
   */
  run(inputs: readonly (Block | Num)[], outputs: readonly (Block | undefined)[]): void;
}

/** What a frame of a tape holds: blocks, and a count of numbers. */
export interface FrameLayout {
  readonly blocks: readonly Spec[];
  readonly numbers: number;
}

export interface Frame {
  readonly blocks: readonly Block[];
  number(index: number): Num;
  setNumber(index: number, value: Num): void;
}

/** A record of frames, as long as the program makes it; walked from its end. */
export interface ProgramTape {
  /** Writes into a fresh frame of layout `kind`, which is part of the tape only once `keep` is called. */
  frame(kind: number): Frame;
  keep(frame: Frame): void;
  /** Runs `visit[kind]` for each frame, the latest first. */
  walk(visit: readonly ((frame: Frame) => void)[]): void;
}

export interface Lowering {
  readonly numbers: Arithmetic;
  variable(initial: Num): Variable;
  loop(test: () => Test, body: () => void): void;
  when(test: Test, then: () => void, otherwise?: () => void): void;

  /** A block until the node is done. */
  block(spec: Spec): Block;
  /** Numbers known when compiling, to be read by index. */
  table(values: readonly number[]): (index: Num) => Num;
  /** Element `index` of a block of floats or integers. */
  element(block: Block, index?: Num): Num;
  /** Writes a number into a scalar block, rounded to its dtype. */
  store(value: Num, scalar: Block): void;
  /** Slice `index` along the leading axis; its spec is the block's without that axis. */
  row(stack: Block, index: Num): Block;
  copy(from: Block, to: Block): void;
  zero(block: Block): void;
  /** to ← Σ weights · blocks. `to` may be one of the blocks. */
  combine(weights: readonly Num[], blocks: readonly Block[], to: Block): void;
  /** @param constants blocks that will be given for these inputs in every run, and will not change; undefined for others */
  prepare(graph: Graph, constants?: readonly (Block | undefined)[]): PreparedGraph;
  tape(layouts: readonly FrameLayout[]): ProgramTape;

  /** Calls a function of the host with up to three numbers. What it throws ends the program. */
  call(fn: (...numbers: number[]) => void, ...numbers: Num[]): void;
}
