// Loaded before a command: sends the process a signal as soon as it has written the metrics of so many iterations. Sent from
// outside, by whoever looks at the file now and then, it might come after the end of the run.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [signal, count] = (process.env.SIGNAL_ITSELF ?? '').split(' ');
const { writeSync } = fs;
let iterations = 0;

/** @type {(...args: any[]) => number} */
function writeAndCount(...args) {
  const written = Reflect.apply(writeSync, fs, args);
  if (String(args[1]).startsWith('{"iteration":') && ++iterations === Number(count)) {
    process.kill(process.pid, signal);
  }
  return written;
}

Object.assign(fs, { writeSync: writeAndCount });
syncBuiltinESMExports();
