/** Calls of kernels in parts that threads share: for each kernel a function of one part, and code that puts it on the board. */
import { FunctionWriter } from '../wasm/function-writer.ts';
import type { ModuleWriter } from '../wasm/module-writer.ts';
import { type Board, board, mostAddresses, runFunction, serveFunction } from './job-board.ts';

/** What a program must be told to be written for several threads. */
export interface Sharing {
  /** Address of its board. */
  readonly at: number;
  readonly threads: number;
}

export class SharedCalls {
  readonly threads: number;
  readonly #board: Board;
  #run: number | undefined;
  readonly #jobs = new Map<string, number>();

  constructor({ at, threads }: Sharing, module: ModuleWriter) {
    this.threads = threads;
    this.#board = { at, module };
  }

  /**
   * Code in `f` that calls the kernel for every part. Its first addresses are left on the stack by `push`, one by one; from
   * part to part they move by `steps` bytes.
   */
  call(
    f: FunctionWriter,
    kernel: number,
    parts: number,
    steps: readonly number[],
    push: (parameter: number) => void,
  ): void {
    if (steps.length > mostAddresses) throw new Error('a kernel has more operands than the board');
    steps.forEach((_, i) => {
      f.i32(this.#address(i));
      push(i);
      f.memory(0x36);
    });
    f.i32(this.#job(kernel, steps));
    f.i32(parts);
    f.call(this.#runJob());
  }

  /** Index of the function that runs a job. A module that has one also exports the one that serves them, as `serve`. */
  #runJob(): number {
    if (this.#run !== undefined) return this.#run;
    const { module } = this.#board;
    this.#run = module.add(runFunction(this.#board));
    module.export(module.add(serveFunction(this.#board)), 'serve');
    return this.#run;
  }

  #address(parameter: number): number {
    return this.#board.at + board.addresses + 4 * parameter;
  }

  /** The place in the table of a function that does one part. */
  #job(kernel: number, steps: readonly number[]): number {
    const key = `${kernel} ${steps}`;
    const known = this.#jobs.get(key);
    if (known !== undefined) return known;
    const f = new FunctionWriter(['i32']);
    steps.forEach((step, i) => {
      f.i32(this.#address(i));
      f.memory(0x28);
      f.get(0);
      f.i32(step);
      f.op(0x6c, 0x6a);
    });
    f.call(kernel);
    const { module } = this.#board;
    const job = module.tableIndex(module.add(f));
    this.#jobs.set(key, job);
    return job;
  }
}
