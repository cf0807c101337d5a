/** Other threads that take part in the work of programs: workers that share their memory. */
import type { Heap } from '../heap.ts';
import { boardBytes } from './job-board.ts';
import { type Message, workerSource } from './worker-source.ts';

/** The part of a worker, of Node or of a browser, that is used. */
interface Thread {
  postMessage(message: Message): void;
  terminate(): unknown;
  /** In Node: lets the process end while it waits. */
  unref?(): void;
}

type ThreadClass = new (source: string | URL, options?: { eval?: boolean }) => Thread;

/** What is found on the global object of Node, and of browsers. */
interface Surroundings {
  readonly process?: {
    getBuiltinModule?(name: string): { readonly Worker: ThreadClass } | undefined;
  };
  readonly Worker?: ThreadClass;
}

/** Bytes between numbers that different threads write: a line of the cache. */
const apart = 64;

function startThread(): Thread {
  const { process, Worker } = globalThis as Surroundings;
  const node = process?.getBuiltinModule?.('node:worker_threads');
  if (node !== undefined) {
    const thread = new node.Worker(workerSource, { eval: true });
    thread.unref?.();
    return thread;
  }
  if (Worker === undefined) throw new Error('there are no workers here');
  const url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
  const thread = new Worker(url);
  URL.revokeObjectURL(url);
  return thread;
}

export class Crew {
  /** With the one that runs programs. */
  readonly threads: number;
  readonly #heap: Heap;
  #workers: readonly Thread[];
  /** Address of the number of the program that runs; behind it, each thread's state. */
  readonly #wanted: number;
  #numbers: Int32Array;
  #programs = 0;
  #dismissed = 0;
  /** Boards of programs that are gone, with the number of the dismissal; the first one to go is the first. */
  readonly #retired: { readonly at: number; readonly after: number }[] = [];

  /** @param heap one with a shared memory */
  constructor(heap: Heap, threads: number) {
    this.#heap = heap;
    this.threads = threads;
    this.#wanted = this.#zeros(threads * apart);
    this.#numbers = new Int32Array(heap.memory.buffer);
    this.#workers = Array.from({ length: threads - 1 }, (_, i) => {
      const thread = startThread();
      const state = this.#stateOf(i);
      thread.postMessage({ memory: heap.memory, wanted: this.#wanted, state });
      return thread;
    });
  }

  /** Address of a board, empty. */
  board(): number {
    const first = this.#retired[0];
    const heeded = first && this.#workers.every((_, i) => this.#heeded(i) >= first.after);
    if (!heeded) return this.#zeros(boardBytes);
    this.#retired.shift();
    return this.#cleared(first.at, boardBytes);
  }

  /** Takes back a board that no thread knows of. */
  giveBoard(at: number): void {
    this.#heap.give(at, boardBytes);
  }

  /** Number of a program, by which it is called. */
  add(module: WebAssembly.Module): number {
    const id = ++this.#programs;
    for (const worker of this.#workers) worker.postMessage({ add: id, module });
    return id;
  }

  /** Has all threads forget a program. They may look at its board once more before they do. */
  dismiss(id: number, board: number): void {
    for (const worker of this.#workers) worker.postMessage({ dismiss: id });
    this.#retired.push({ at: board, after: ++this.#dismissed });
  }

  /** How many dismissals a worker has heeded: it counts them behind its state. */
  #heeded(worker: number): number {
    return Atomics.load(this.#numbers, this.#stateOf(worker) / 4 + 1);
  }

  /** Ends the other threads, and lets go of the memory. */
  dispose(): void {
    for (const worker of this.#workers) worker.terminate();
    this.#workers = [];
    this.#numbers = new Int32Array(0);
  }

  /** Does work while all threads look for jobs of this program. */
  assist(id: number, work: () => void): void {
    this.call(id);
    try {
      work();
    } finally {
      this.#want(0);
    }
  }

  /** Has all threads look for jobs of this program, until another one is wanted; those that already do are left alone. */
  call(id: number): void {
    this.#want(id);
    this.#workers.forEach((worker, i) => {
      const state = this.#stateOf(i) / 4;
      const now = Atomics.load(this.#numbers, state);
      if (now === id || now === -id) return;
      // called, but not there yet
      Atomics.store(this.#numbers, state, -id);
      worker.postMessage({ call: id });
    });
  }

  #want(id: number): void {
    Atomics.store(this.#numbers, this.#wanted / 4, id);
  }

  #stateOf(worker: number): number {
    return this.#wanted + (1 + worker) * apart;
  }

  #zeros(bytes: number): number {
    return this.#cleared(this.#heap.take(bytes), bytes);
  }

  #cleared(address: number, bytes: number): number {
    new Uint8Array(this.#heap.memory.buffer, address, bytes).fill(0);
    return address;
  }
}

/** Where a program's jobs are put up for the threads, from when it is written until nobody can run it any more. */
export class Post {
  readonly #crew: Crew;
  /** Address of the board. */
  readonly at: number;
  readonly threads: number;
  #id: number | undefined;

  constructor(crew: Crew) {
    this.#crew = crew;
    this.at = crew.board();
    this.threads = crew.threads;
  }

  /** Has the threads know the program. */
  serve(module: WebAssembly.Module): void {
    this.#id = this.#crew.add(module);
  }

  /** Does work while all threads look for the program's jobs. */
  assist(work: () => void): void {
    this.#crew.assist(this.#id as number, work);
  }

  leave(): void {
    if (this.#id === undefined) this.#crew.giveBoard(this.at);
    else this.#crew.dismiss(this.#id, this.at);
  }
}
