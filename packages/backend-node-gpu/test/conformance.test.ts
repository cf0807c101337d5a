import { reference } from '@neuralode/backend-reference';
import { describeConformance } from '@neuralode/tensor/conformance';
import { describe, it } from 'vitest';
import { nodeGpu } from '../src/index.ts';
import { addonIsThere, didNotRun } from './addon.ts';

if (addonIsThere) {
  await describeConformance({ describe, it }, { backend: () => nodeGpu(), reference, skip: {} });
} else {
  it.skip(didNotRun, () => {});
}
