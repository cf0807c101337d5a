import { reference } from '@neuralode/backend-reference';
import { describeConformance } from '@neuralode/tensor/conformance';
import { describe, it } from 'vitest';
import { wasm } from '../src/index.ts';

await describeConformance({ describe, it }, { backend: () => wasm(), reference, skip: {} });
