/**
 * The WASM backend: float32, int32 and bool on one thread of any CPU, in Node and in browsers.
 */
export type { WasmUrls } from './device.ts';
export type { WasmBackend, WasmOptions } from './wasm.ts';
export { wasm } from './wasm.ts';
