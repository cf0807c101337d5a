// The shared kernels, on the one tfjs backend that is plain JavaScript: nothing here is specific to a device.
import { reference } from '@neuralode/backend-reference';
import { describeConformance } from '@neuralode/tensor/conformance';
import '@tensorflow/tfjs-backend-cpu';
import { findBackend } from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { tfjsBackend } from '../src/index.ts';

const cpu = () =>
  tfjsBackend({
    name: 'tfjs-cpu',
    tfName: 'cpu',
    device: findBackend('cpu'),
    readsSync: true,
    sharesArrays: true,
  });

await describeConformance(
  { describe, it },
  {
    backend: cpu,
    reference,
    skip: {
      'pow: a power that IEEE 754 says is one (float32)':
        'the cpu kernel is Math.pow: 1 ** NaN is NaN',
      'mul: wraps around (int32)': 'the cpu kernel multiplies in float64 and loses the low bits',
    },
  },
);
