export { type SimdBackend, type SimdOptions, simd } from './simd.ts';
