import { reference } from '@neuralode/backend-reference';
import { describeConformance } from '@neuralode/tensor/conformance';
import { describe, it } from 'vitest';

for (const floatDType of ['float64', 'float32'] as const) {
  await describeConformance(
    { describe, it },
    { backend: () => reference({ floatDType }), reference },
  );
}
