/** Runs the same program compiled here and interpreted on the reference backend, and compares. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { type SimdBackend, simd } from '@neuralode/backend-simd';
import {
  type Backend,
  type FloatDType,
  flatten,
  type HostArray,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { expect } from 'vitest';

/** Inputs as nested lists of numbers. */
export type Inputs = readonly (number | readonly number[] | readonly (readonly number[])[])[];
export type Program = (...inputs: Tensor[]) => unknown;

/** The leaves of what `program` gives on a backend. */
export async function runOn(
  backend: Backend,
  program: Program,
  inputs: Inputs,
): Promise<HostArray[]> {
  await setBackend(backend);
  const tensors = inputs.map((each) => tensor(each as number[]));
  const result = jit(program).sync(...tensors);
  return flatten(result).tensors.map((each) => each.dataSync());
}

/** Largest difference, relative to the largest element of what is wanted, or to 1. */
export function difference(got: HostArray, want: HostArray): number {
  expect(got.length).toBe(want.length);
  let largest = 0;
  let scale = 1;
  for (let i = 0; i < want.length; i++) {
    if (Number.isNaN(want[i]) && Number.isNaN(got[i])) continue;
    if (want[i] === got[i]) continue;
    largest = Math.max(largest, Math.abs(got[i] - want[i]));
    if (Number.isNaN(got[i] - want[i])) return Number.NaN;
  }
  for (const value of want) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  return largest / scale;
}

const tolerances = { float64: 1e-12, float32: 2e-6 } as const;

/** Holds a compiled program to the reference; gives back the backend, to be asked what it did. */
export async function expectSame(
  program: Program,
  inputs: Inputs,
  floatDType: FloatDType = 'float64',
  tolerance: number = tolerances[floatDType],
): Promise<SimdBackend> {
  const want = await runOn(reference({ floatDType }), program, inputs);
  const backend = simd({ floatDType });
  const got = await runOn(backend, program, inputs);
  got.forEach((leaf, i) => {
    expect(difference(leaf, want[i])).toBeLessThan(tolerance);
  });
  return backend;
}

/** Numbers that look random, from −1 to 1, the same in every run. */
export function noise(shape: readonly number[], seed = 1): number[] | number[][] {
  let state = seed * 2654435761 + shape.reduce((a, b) => a * 31 + b, 7);
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
  const [rows, columns] = shape;
  if (columns === undefined) return Array.from({ length: rows }, next);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, next));
}
