/**
 * What this machine's 128-bit WebAssembly SIMD reaches at most: the rate of a plain register-blocked loop of float32
 * multiply-adds on numbers that stay in the nearest cache. Operations over it are the floor of a matrix product's or a
 * convolution's time.
 */
import { setFlagsFromString } from 'node:v8';
import { type Blocking, loopModule } from './loop-module.ts';

/**
 * Blocks of eight to ten sums: with their operands they leave sixteen vector registers room enough. Blocks of twelve, and
 * turns of the loop written out beside each other, were slower: the engine keeps operands in memory then.
 */
const blockings: readonly Blocking[] = [
  { rows: 4, vectors: 2 },
  { rows: 5, vectors: 2 },
  { rows: 2, vectors: 4 },
  { rows: 3, vectors: 3 },
];

/** Both operands take 18 KiB at most, less than the nearest cache has. */
const depth = 256;
const productsACall = 200;

/** Whether the engine has fused multiply-add (relaxed SIMD) now. */
export function hasMultiplyAdd(): boolean {
  return WebAssembly.validate(loopModule(blockings[0], depth, true));
}

/** Turns fused multiply-add on where the engine has it behind a flag, as that of Node 20; says whether it is there now. */
export function turnOnMultiplyAdd(): boolean {
  if (!hasMultiplyAdd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return hasMultiplyAdd();
}

/** What the results call the fused runtime with fused multiply-add, where it is not always there. */
export const fusedMultiplyAddName = 'simd, fused multiply-add';

/** Gives the best rate met so far, in float32 operations a second, a multiply-add being two. */
export type RateMeter = () => number;

/** A meter, compiled and warm; the machine has other work, so it is read now and then and keeps the best. */
export function multiplyAddMeter(fused: boolean): RateMeter {
  const loops = blockings.map((blocking) => {
    const module = new WebAssembly.Module(loopModule(blocking, depth, fused));
    const { run } = new WebAssembly.Instance(module).exports as { run(times: number): void };
    const operations = 2 * 4 * blocking.rows * blocking.vectors * depth * productsACall;
    return { run, operations };
  });
  let best = 0;
  const read = (): number => {
    for (const { run, operations } of loops) {
      const start = performance.now();
      run(productsACall);
      const seconds = (performance.now() - start) / 1000;
      best = Math.max(best, operations / seconds);
    }
    return best;
  };
  // by then the engine's second compiler is done
  for (let i = 0; i < 200; i++) read();
  return read;
}
