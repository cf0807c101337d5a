/** A compiled graph, ready to run. Between runs it has no memory: what it works in is borrowed for each. */
import { ArgumentError, type DType, type Graph, sizeOf } from '@neuralode/tensor';
import { aligned } from '../arena.ts';
import type { Heap, HeapBlock, MainFunction } from '../heap.ts';
import { mathFunctions } from '../kernels/host-functions.ts';
import { Loan } from '../scratch.ts';
import { type Crew, Post } from '../threads/crew.ts';
import { ProgramWriter, type WrittenProgram } from './program-writer.ts';

/** What programs are made for. */
export interface Device {
  readonly heap: Heap;
  /** Whether the engine has fused multiply-add. */
  readonly fused: boolean;
  /** Other threads that take part, where there are any. */
  readonly crew?: Crew;
}

/** Figures of a program, to be told when it may be gone. */
export interface ProgramFigures {
  readonly kernels: number;
  readonly codeBytes: number;
  /** The most that a run has worked in so far, its tape included. */
  workBytes: number;
}

/** Takes a program that nobody can run any more from the other threads. */
const dropped = new FinalizationRegistry<Post>((post) => post.leave());

function outside(what: string): (index: number, position: number, extent: number) => void {
  return (index, position, extent) => {
    throw new ArgumentError({
      what: `${what}: an index is outside the axis`,
      got: `${index} at position ${position}`,
      expected: extent === 0 ? 'no index at all' : `0 to ${extent - 1}`,
    });
  };
}

/** In the order of `outsideCalls`. */
const errors = [outside('gather'), outside('scatterAdd')];

/** Where things lie in what a run borrows: temporaries, then what is computed once in a run, then the list of addresses. */
interface Layout {
  readonly lastingAt: number;
  readonly listAt: number;
  readonly bytes: number;
  /** Whether the addresses of inputs and outputs are too many to be passed. */
  readonly listed: boolean;
  readonly tables: readonly { readonly at: number; readonly values: Float64Array }[];
}

function layoutOf(written: WrittenProgram, blocks: number): Layout {
  const lastingAt = aligned(written.arenaBytes);
  const listAt = lastingAt + aligned(written.lastingBytes);
  const listed = written.addresses === 'listed';
  const tables = written.tables.map(({ at, values }) => ({
    at: lastingAt + at,
    values: Float64Array.from(values),
  }));
  return { lastingAt, listAt, listed, tables, bytes: listAt + (listed ? aligned(4 * blocks) : 0) };
}

export class Program {
  readonly figures: ProgramFigures;
  readonly #graph: Graph;
  readonly #heap: Heap;
  readonly #layout: Layout;
  /** Where other threads see its jobs, if it has any that are shared. */
  readonly #post: Post | undefined;
  /** What the run that is going on has borrowed. */
  #loan: Loan;

  /** Throws a BackendError where there is no memory for it to work in. */
  constructor(graph: Graph, { heap, fused, crew }: Device) {
    this.#graph = graph;
    this.#heap = heap;
    this.#loan = new Loan(heap);
    const post = crew && new Post(crew);
    try {
      const { inputs, outputs } = graph;
      const written = new ProgramWriter(inputs.length, outputs.length, fused, errors, {
        sharedPages: heap.sharedPages,
        sharing: post,
      }).writeGraph(graph);
      this.#layout = layoutOf(written, inputs.length + outputs.length);
      // what has no room is refused now, not at its first run
      this.#loan.take(this.#layout.bytes);
      const workBytes = this.#loan.end();
      this.figures = { kernels: written.kernels, codeBytes: written.bytes.length, workBytes };
      const module = new WebAssembly.Module(written.bytes);
      const { main, serve } = this.#instantiate(module, written.calls).exports;
      heap.bind(this, main as MainFunction);
      if (serve === undefined) post?.leave();
      else {
        this.#post = post;
        post?.serve(module);
        dropped.register(this, post as Post);
      }
    } catch (error) {
      post?.leave();
      throw error;
    }
  }

  #instantiate(
    module: WebAssembly.Module,
    calls: readonly ((...numbers: number[]) => void)[],
  ): WebAssembly.Instance {
    const call = (which: number, ...numbers: number[]): void => calls[which](...numbers);
    const host = {
      ...mathFunctions,
      memory: this.#heap.memory,
      call0: call,
      call1: call,
      call2: call,
      call3: call,
      moreTape: (least: number) => this.#moreTape(least),
    };
    return new WebAssembly.Instance(module, { host });
  }

  /** The next stretch of tape; its end is written at its start. */
  #moreTape(least: number): number {
    const { at, bytes } = this.#loan.moreTape(least);
    new Int32Array(this.#heap.memory.buffer, at, 1)[0] = at + bytes;
    return at;
  }

  /** Runs may be nested: a program may call a function that runs it again. */
  #runOnLoan(blocks: readonly number[]): void {
    const outer = this.#loan;
    this.#loan = new Loan(this.#heap);
    try {
      this.#runAt(blocks, this.#loan.take(this.#layout.bytes));
    } finally {
      this.figures.workBytes = Math.max(this.figures.workBytes, this.#loan.end());
      this.#loan = outer;
    }
  }

  /** Runs it on borrowed blocks; the results are the caller's. */
  run(inputs: readonly HeapBlock[]): HeapBlock[] {
    const outputs: HeapBlock[] = [];
    try {
      for (const { shape, dtype } of this.#graph.outputs) {
        outputs.push(this.#heap.block(sizeOf(shape), dtype as DType));
      }
      this.#runOnLoan([...inputs, ...outputs].map(({ address }) => address));
    } catch (error) {
      for (const block of outputs) this.#heap.free(block);
      throw error;
    }
    return outputs;
  }

  /** @param at address of what was borrowed */
  #runAt(blocks: readonly number[], at: number): void {
    const { lastingAt, listAt, listed, tables } = this.#layout;
    const { memory } = this.#heap;
    for (const { at: offset, values } of tables) {
      new Float64Array(memory.buffer, at + offset, values.length).set(values);
    }
    if (listed) new Int32Array(memory.buffer, at + listAt, blocks.length).set(blocks);
    const passed = listed ? [at + listAt] : blocks;
    const main = this.#heap.main(this);
    if (this.#post === undefined) main(...passed, at, at + lastingAt);
    else this.#post.assist(() => main(...passed, at, at + lastingAt));
  }
}
