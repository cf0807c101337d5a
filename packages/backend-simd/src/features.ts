/** What the WebAssembly engine can do, found out by showing it a small module. */
import { BackendError } from '@neuralode/tensor';
import { FunctionWriter } from './wasm/function-writer.ts';
import { ModuleWriter } from './wasm/module-writer.ts';
import { floatSimd, simd } from './wasm/simd-opcodes.ts';

function validates(write: (f: FunctionWriter) => void): boolean {
  if (typeof WebAssembly === 'undefined') return false;
  const module = new ModuleWriter();
  const f = new FunctionWriter([]);
  write(f);
  f.op(0x1a);
  module.export(module.add(f));
  return WebAssembly.validate(module.bytes());
}

function zero(f: FunctionWriter): void {
  f.simd(simd.constant, ...new Array<number>(16).fill(0));
}

export function requireSimd(): void {
  if (validates(zero)) return;
  throw new BackendError({
    what: 'simd: this engine has no WebAssembly with SIMD',
    remedy:
      'Use `await wasm()` of @neuralode/backend-wasm, which also runs without; or a newer engine',
  });
}

/** Relaxed SIMD: a · b + c in one instruction. */
export function hasFusedMultiplyAdd(): boolean {
  return validates((f) => {
    zero(f);
    zero(f);
    zero(f);
    f.simd(floatSimd.float32.madd);
  });
}

/** Whether threads can share a memory: in a page, only with cross-origin isolation. */
export function hasThreads(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated ?? true;
}
