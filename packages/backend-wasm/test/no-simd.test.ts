// An engine without SIMD gets the plain tfjs module and the plain build of our kernels: the same answers, more slowly.
import { reference } from '@neuralode/backend-reference';
import { describeConformance } from '@neuralode/tensor/conformance';
import { env } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { wasm } from '../src/index.ts';

env().set('WASM_HAS_SIMD_SUPPORT', false);
const backend = await wasm();

it('says that there is no SIMD', () => {
  expect(backend.simd).toBe(false);
});

await describeConformance({ describe, it }, { backend: () => backend, reference });
