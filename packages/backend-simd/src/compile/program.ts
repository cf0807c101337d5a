/** A compiled graph, ready to run: its module, its memory, and the stretches of its tapes. */
import { ArgumentError, type DType, type Graph, sizeOf } from '@neuralode/tensor';
import type { Heap, HeapBlock } from '../heap.ts';
import { mathFunctions } from '../kernels/host-functions.ts';
import type { Crew } from '../threads/crew.ts';
import { ProgramWriter } from './program-writer.ts';

/** Bytes of a first stretch of tape; each further one is as long as all before it. */
const firstStretch = 65536;

interface Stretch {
  readonly address: number;
  readonly bytes: number;
}

/** What a program holds of the heap, until nobody can run it any more. */
interface Holdings {
  readonly heap: Heap;
  readonly stretches: Stretch[];
  readonly counted: boolean;
  /** Takes it from the other threads. */
  readonly dismiss: () => void;
}

const dropped = new FinalizationRegistry<Holdings>(({ heap, stretches, counted, dismiss }) => {
  dismiss();
  for (const { address, bytes } of stretches) {
    heap.give(address, bytes);
    if (counted) heap.count(-bytes);
  }
});

/** To the next address where a vector may lie. */
const roundUp = (bytes: number): number => Math.ceil(bytes / 16) * 16;

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

export class Program {
  readonly kernels: number;
  readonly bytes: number;
  readonly #graph: Graph;
  readonly #heap: Heap;
  readonly #main: (...addresses: number[]) => void;
  readonly #memory: readonly number[];
  /** Where the addresses of inputs and outputs are listed, if they are too many to be passed. */
  readonly #list: number | undefined;
  readonly #tape: Stretch[] = [];
  readonly #held: Stretch[] = [];
  readonly #counted: boolean;
  #nextStretch = 0;
  /** Does work while other threads, where there are any, look for its jobs. */
  readonly #assisted: (work: () => void) => void;

  /**
   * @param counted whether what it holds shows in the heap's use: the scratch of a single kernel does not
   * @param crew threads that take part in its work
   */
  constructor(graph: Graph, heap: Heap, fused: boolean, counted: boolean, crew?: Crew) {
    const { inputs, outputs } = graph;
    const { sharedPages } = heap;
    const sharing = crew && { at: crew.board(), threads: crew.threads };
    const written = new ProgramWriter(inputs.length, outputs.length, fused, errors, {
      sharedPages,
      sharing,
    }).writeGraph(graph);
    this.#graph = graph;
    this.#heap = heap;
    this.#counted = counted;
    this.kernels = written.kernels;
    this.bytes = written.bytes.length;
    const module = new WebAssembly.Module(written.bytes);
    const instance = this.#instantiate(module, written.calls);
    const shares = crew !== undefined && instance.exports.serve !== undefined;
    const id = shares ? crew.add(module) : undefined;
    this.#assisted = id === undefined ? (work) => work() : (work) => crew?.assist(id, work);
    this.#main = instance.exports.main as (...addresses: number[]) => void;
    // one stretch for both, so that there is nothing to give back where it does not fit
    const arena = roundUp(written.arenaBytes);
    const address = this.#hold(arena + written.lastingBytes);
    this.#memory = [address, address + arena];
    if (written.addresses === 'listed') {
      this.#list = this.#hold(roundUp(4 * (inputs.length + outputs.length)));
    }
    for (const { at, values } of written.tables) {
      new Float64Array(heap.memory.buffer, this.#memory[1] + at, values.length).set(values);
    }
    const dismiss = (): void => {
      if (id !== undefined) crew?.dismiss(id);
    };
    dropped.register(this, { heap, stretches: this.#held, counted, dismiss });
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

  #hold(bytes: number): number {
    const address = this.#heap.take(bytes);
    if (this.#counted) this.#heap.count(bytes);
    this.#held.push({ address, bytes });
    return address;
  }

  /** The next stretch, of an earlier run or a fresh one; its end is written at its start. */
  #moreTape(least: number): number {
    for (;;) {
      const known = this.#tape[this.#nextStretch++];
      const stretch = known ?? this.#freshStretch(least);
      if (stretch.bytes < least) continue;
      new Int32Array(this.#heap.memory.buffer, stretch.address, 1)[0] =
        stretch.address + stretch.bytes;
      return stretch.address;
    }
  }

  #freshStretch(least: number): Stretch {
    const all = this.#tape.reduce((total, { bytes }) => total + bytes, firstStretch);
    const bytes = Math.max(all, least);
    const stretch = { address: this.#hold(bytes), bytes };
    this.#tape.push(stretch);
    return stretch;
  }

  /** Bytes that the program holds between runs. */
  get heldBytes(): number {
    return this.#held.reduce((total, { bytes }) => total + bytes, 0);
  }

  /** Runs it on borrowed blocks; the results are the caller's. */
  run(inputs: readonly HeapBlock[]): HeapBlock[] {
    const outputs: HeapBlock[] = [];
    this.#nextStretch = 0;
    try {
      for (const { shape, dtype } of this.#graph.outputs) {
        outputs.push(this.#heap.block(sizeOf(shape), dtype as DType));
      }
      const passed = this.#passed([...inputs, ...outputs]);
      this.#assisted(() => this.#main(...passed, ...this.#memory));
    } catch (error) {
      for (const block of outputs) this.#heap.free(block);
      throw error;
    }
    return outputs;
  }

  /** The addresses of blocks as the main function takes them. */
  #passed(blocks: readonly HeapBlock[]): readonly number[] {
    const addresses = blocks.map(({ address }) => address);
    if (this.#list === undefined) return addresses;
    new Int32Array(this.#heap.memory.buffer, this.#list, addresses.length).set(addresses);
    return [this.#list];
  }
}
