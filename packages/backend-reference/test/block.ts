/** Runs one primitive on literal blocks: what the tests of the kernels are written in. */
import { reference } from '@neuralode/backend-reference';
import { type DType, type HostArray, primitives, sizeOf, toHostArray } from '@neuralode/tensor';

export interface Block {
  readonly values: HostArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export function block(
  values: ArrayLike<number>,
  shape: readonly number[] = [values.length],
  dtype: DType = 'float64',
): Block {
  if (values.length !== sizeOf(shape)) throw new Error(`${values.length} values for [${shape}]`);
  return { values: toHostArray(dtype, values), shape, dtype };
}

export type KernelName = (typeof primitives.plainPrimitives)[number]['name'];

const byName = new Map(primitives.plainPrimitives.map((each) => [each.name, each]));

/** The primitive's output, by way of a fresh backend; fails where the kernel leaves anything behind. */
export function run(name: KernelName, inputs: readonly Block[], attrs?: unknown): Block {
  const primitive = byName.get(name);
  if (primitive === undefined) throw new Error(`no primitive ${name}`);
  const backend = reference();
  const operands = inputs.map(({ values, shape, dtype }) => {
    return { handle: backend.upload(values, shape, dtype), shape, dtype };
  });
  const outputs = primitive.infer(inputs, attrs);
  const [handle] = backend.run(name, operands, attrs, outputs);
  const values = backend.readSync?.(handle) as HostArray;
  for (const each of [...operands.map((operand) => operand.handle), handle]) backend.free(each);
  if (backend.memory().liveBuffers !== 0) throw new Error('leak');
  return { values, shape: outputs[0].shape, dtype: outputs[0].dtype as DType };
}

/** The output's numbers. */
export function numbers(name: KernelName, inputs: readonly Block[], attrs?: unknown): number[] {
  return [...run(name, inputs, attrs).values];
}

/** A list of one number through a primitive of one operand. */
export function at(name: KernelName, x: number, dtype: DType = 'float64'): number {
  return numbers(name, [block([x], [1], dtype)])[0];
}
