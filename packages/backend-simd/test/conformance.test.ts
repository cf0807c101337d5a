/** The backend against the conformance suite of tensor. */
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import { describeConformance } from '@neuralode/tensor/conformance';
import { describe, it } from 'vitest';

await describeConformance({ describe, it }, { backend: () => simd(), reference, skip: {} });
