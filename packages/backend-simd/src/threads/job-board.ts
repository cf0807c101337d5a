/**
 * How the thread that runs a program shares work with others: a board in shared memory on which it writes a job, cut into
 * parts of which every thread takes the next that is left. Nobody is waited for who has not taken a part: with all other
 * threads asleep or gone, the program's own thread does everything.
 *
 * Instructions are those of the WebAssembly threads proposal; all on the board are sequentially consistent.
 */
import { atomic } from '../wasm/atomic-opcodes.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import type { ModuleWriter } from '../wasm/module-writer.ts';

/** Where things stand on the board, in bytes; what different threads write stands on different lines of the cache. */
export const board = {
  /** The running number of the job (16 bits), how many parts it has (8), and the first that nobody has taken (8). */
  next: 0,
  /** The job: a place in the table of functions. */
  job: 4,
  /** Parts that are done. */
  done: 64,
  /** Threads that sleep until there is a job. */
  sleepers: 128,
  /** Addresses that the job works on. */
  addresses: 192,
} as const;

/** A job has no more addresses than these. */
export const mostAddresses = 64;
export const boardBytes = board.addresses + 4 * mostAddresses;

/**
 * Looks that a thread takes at the board before it sleeps: some milliseconds. A thread that is woken may find itself on the
 * core of the one that woke it, which spins; so it sleeps only where a program goes long without a job.
 */
const looks = 2_000_000;
/** Nanoseconds that it sleeps before it asks whether it is still wanted, and how often it asks. */
const sleep = 5_000_000;
const sleeps = 40;

const part = { params: ['i32'], results: [] } as const;

/** What the functions of a module share. */
export interface Board {
  readonly module: ModuleWriter;
  /** Address of the board: zeros at first. */
  readonly at: number;
}

/** The most parts of a job. */
export const mostParts = 255;

/** Leaves the board's address on the stack. */
function here(f: FunctionWriter, { at }: Board): void {
  f.i32(at);
}

function load(f: FunctionWriter, on: Board, offset: number): void {
  here(f, on);
  f.atomic(atomic.load, offset);
}

/** Takes the next part, if one is left; then leaves it in `taken` and goes on with `then`. */
function takePart(
  f: FunctionWriter,
  on: Board,
  state: number,
  taken: number,
  then: () => void,
): void {
  f.get(state);
  f.i32(255);
  f.op(0x71);
  f.set(taken);
  here(f, on);
  f.get(state);
  f.get(state);
  f.i32(1);
  f.op(0x6a);
  f.atomic(atomic.compareExchange, board.next);
  f.get(state);
  f.op(0x46, 0x04, 0x40);
  f.get(taken);
  load(f, on, board.job);
  f.callIndirect(on.module.typeIndex(part));
  here(f, on);
  f.i32(1);
  f.atomic(atomic.add, board.done);
  f.op(0x1a);
  then();
  f.op(0x0b);
}

/** Leaves on the stack whether a part of the job in `state` is left. */
function partLeft(f: FunctionWriter, state: number): void {
  f.get(state);
  f.i32(255);
  f.op(0x71);
  f.get(state);
  f.i32(8);
  f.op(0x76);
  f.i32(255);
  f.op(0x71, 0x48);
}

/** `run(job, parts)`: puts a job on the board, takes part in it, and returns when it is done. */
export function runFunction(on: Board): FunctionWriter {
  const f = new FunctionWriter(['i32', 'i32']);
  const state = f.local('i32');
  const taken = f.local('i32');
  const put = (offset: number, value: () => void): void => {
    here(f, on);
    value();
    f.atomic(atomic.store, offset);
  };
  put(board.job, () => f.get(0));
  put(board.done, () => f.i32(0));
  put(board.next, () => {
    load(f, on, board.next);
    f.i32(-65536);
    f.op(0x71);
    f.i32(65536);
    f.op(0x6a);
    f.get(1);
    f.i32(8);
    f.op(0x74, 0x72);
  });
  f.if(
    () => load(f, on, board.sleepers),
    () => {
      here(f, on);
      f.get(1);
      f.atomic(atomic.notify, board.next);
      f.op(0x1a);
    },
  );
  const look = (): void => {
    load(f, on, board.next);
    f.set(state);
    partLeft(f, state);
  };
  f.while(look, () => takePart(f, on, state, taken, () => {}));
  f.while(
    () => {
      load(f, on, board.done);
      f.get(1);
      f.op(0x47);
    },
    () => {},
  );
  return f;
}

/**
 * `serve(wanted, id)`: takes parts of this module's jobs while the number at address `wanted` is `id`, and returns when it
 * is not, or when there was nothing to do for a while.
 */
export function serveFunction(on: Board): FunctionWriter {
  const f = new FunctionWriter(['i32', 'i32']);
  const [state, taken, spins, slept] = Array.from({ length: 4 }, () => f.local('i32'));
  const isWanted = (): void => {
    f.get(0);
    f.atomic(atomic.load);
    f.get(1);
    f.op(0x46);
    f.get(slept);
    f.i32(sleeps);
    f.op(0x48, 0x71);
  };
  f.while(isWanted, () => {
    load(f, on, board.next);
    f.set(state);
    f.if(
      () => partLeft(f, state),
      () =>
        takePart(f, on, state, taken, () => {
          f.i32(0);
          f.set(spins);
          f.i32(0);
          f.set(slept);
        }),
      () => {
        f.advance(spins, 1);
        f.if(
          () => {
            f.get(spins);
            f.i32(looks);
            f.op(0x4a);
          },
          () => sleepUntilJob(f, on, state, slept),
        );
      },
    );
  });
  return f;
}

/** Sleeps while the board is as `state` says; counts in `slept` how often that lasted to the end. */
function sleepUntilJob(f: FunctionWriter, on: Board, state: number, slept: number): void {
  const change = (opcode: number): void => {
    here(f, on);
    f.i32(1);
    f.atomic(opcode, board.sleepers);
    f.op(0x1a);
  };
  change(atomic.add);
  here(f, on);
  f.get(state);
  f.i64(sleep);
  f.atomic(atomic.wait32, board.next);
  f.i32(2);
  f.op(0x46);
  f.get(slept);
  f.op(0x6a);
  f.set(slept);
  change(atomic.sub);
}
