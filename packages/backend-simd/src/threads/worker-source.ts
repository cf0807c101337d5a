/**
 * What another thread runs: it instantiates programs on the shared memory and serves the one that it is called to.
 *
 * It is text, run from a data block, since Node, browsers and each bundler find a worker's file in a way of their own.
 */
import { mathFunctions } from '../kernels/host-functions.ts';

/** What is told to a thread, in the order in which it comes. */
export type Message =
  /** The memory, and the addresses of the program wanted and of the thread's own state. */
  | { readonly memory: WebAssembly.Memory; readonly wanted: number; readonly state: number }
  | { readonly add: number; readonly module: WebAssembly.Module }
  | { readonly call: number }
  | { readonly dismiss: number };

/** Functions of `mathFunctions` that are ours; the others are the engine's. */
const own = ['pow'] as const;
const engines = Object.keys(mathFunctions).filter((name) => !own.some((each) => each === name));

export const workerSource = `
const port = typeof require === 'function' ? require('node:worker_threads').parentPort : self;
const nothing = () => { throw new Error('simd: a program called its host from another thread'); };
const host = {
  ${engines.map((name) => `${name}: Math.${name === 'power' ? 'pow' : name},`).join(' ')}
  ${own.map((name) => `${name}: ${mathFunctions[name].toString()},`).join(' ')}
  call0: nothing, call1: nothing, call2: nothing, call3: nothing, moreTape: nothing,
};
const programs = new Map();
let numbers, wanted, state;
const serve = (id) => {
  if (Atomics.load(numbers, wanted / 4) === id) {
    Atomics.store(numbers, state / 4, id);
    programs.get(id)(wanted, id);
    Atomics.compareExchange(numbers, state / 4, id, 0);
  } else Atomics.compareExchange(numbers, state / 4, -id, 0);
};
const heed = (message) => {
  if (message.memory) {
    host.memory = message.memory;
    numbers = new Int32Array(message.memory.buffer);
    ({ wanted, state } = message);
  } else if (message.add) {
    programs.set(message.add, new WebAssembly.Instance(message.module, { host }).exports.serve);
  } else if (message.call) serve(message.call);
  else {
    programs.delete(message.dismiss);
    Atomics.add(numbers, state / 4 + 1, 1);
  }
};
if (port.on) port.on('message', heed);
else port.onmessage = ({ data }) => heed(data);
`;
