// npm start -- <arguments>: the command line, installed and built on first use.
//
// The command line runs in this process, not in a child: Ctrl-C, exit codes and the terminal are
// then its own, and nothing is left running when this process is killed.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, root, setup } from './setup.mjs';

await main(() => setup({ only: '@neuralode/cli' }));

const entry = join(root, 'apps', 'cli', 'dist', 'main.js');
const { INIT_CWD, npm_lifecycle_event } = process.env;

// npm runs scripts in the root; paths on the command line are meant from where the person stands
if (npm_lifecycle_event === 'start' && INIT_CWD) process.chdir(INIT_CWD);
process.argv[1] = entry;
dropRepeatedSignals();
await import(pathToFileURL(entry).href);

// On Ctrl-C the terminal signals this process, and npm passes its own copy on. Two signals so close
// are one wish to stop; a second Ctrl-C by hand comes later than this.
function dropRepeatedSignals() {
  const window = 400;
  const last = new Map();
  const emit = process.emit;
  /** @type {any} */ (process).emit = (
    /** @type {string} */ event,
    /** @type {unknown[]} */ ...args
  ) => {
    if (event === 'SIGINT' || event === 'SIGTERM') {
      const now = performance.now();
      if (now - (last.get(event) ?? Number.NEGATIVE_INFINITY) < window) return true;
      last.set(event, now);
    }
    return Reflect.apply(emit, process, [event, ...args]);
  };
}
