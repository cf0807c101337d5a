/**
 * One test of one primitive: the same inputs to the backend and, in float64, to the reference; and what a kernel owes
 * its caller whatever it computes: operands unchanged, outputs that outlive them, nothing leaked.
 */
import type { Backend, Operand } from '../backend.ts';
import { type DType, type HostArray, toHostArray } from '../dtype.ts';
import type { Primitive } from '../primitive.ts';
import { randomFor, type Sample } from './samples.ts';
import { compare, exact, type Tolerance } from './tolerance.ts';
import { identical, type Workbench, withWorkbench } from './workbench.ts';

export interface KernelCase {
  readonly primitive: Primitive;
  /** What is special about the inputs; unique within the primitive. */
  readonly title: string;
  /** Dtypes at which the test is made, where the backend has them. */
  readonly dtypes: readonly DType[];
  /** Dtypes that the backend must have besides. */
  readonly needs?: readonly DType[];
  readonly inputs: readonly Sample[];
  /** Attributes, or those for a dtype. */
  readonly attrs?: unknown;
  readonly attrsFor?: (dtype: DType) => unknown;
  /** `exact` where left out; int32 and bool are always exact. */
  readonly tolerance?: Tolerance;
  /** Attributes with which the reference finds the sum of absolute terms, where they differ from `attrs`. */
  readonly absoluteAttrs?: unknown;
}

interface Input {
  readonly data: HostArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export async function checkKernel(
  test: KernelCase & { readonly name: string; readonly dtype: DType },
  backend: Backend,
  reference: Backend,
): Promise<void> {
  const random = randomFor(test.name);
  const inputs = test.inputs.map(({ shape, dtype = test.dtype, values }): Input => {
    return { data: toHostArray(dtype, values(random, dtype)), shape, dtype };
  });
  const attrs = test.attrsFor?.(test.dtype) ?? test.attrs;
  const tolerance = test.tolerance ?? exact;

  const want = await runReference(reference, test.primitive, inputs.map(widened), attrs);
  let terms = want;
  if (tolerance.of === 'terms') {
    const absolute = inputs.map(widened).map(absoluteOf);
    terms = await runReference(reference, test.primitive, absolute, test.absoluteAttrs ?? attrs);
  }
  await withWorkbench(backend, async (bench) => {
    const output = await runAndDropOperands(bench, test.primitive, inputs, attrs);
    compare(await bench.read(output), want, output.dtype, tolerance, terms);
  });
}

/** The numbers as they are after rounding to their dtype, in the reference's float64. */
function widened(input: Input): Input {
  if (input.dtype !== 'float32') return input;
  return { ...input, data: Float64Array.from(input.data), dtype: 'float64' };
}

function absoluteOf(input: Input): Input {
  if (input.dtype !== 'float64') return input;
  return { ...input, data: input.data.map(Math.abs) };
}

async function runReference(
  reference: Backend,
  primitive: Primitive,
  inputs: readonly Input[],
  attrs: unknown,
): Promise<HostArray> {
  let result: HostArray = new Float64Array(0);
  await withWorkbench(reference, async (bench) => {
    const operands = inputs.map(({ data, shape, dtype }) => bench.upload(data, shape, dtype));
    result = await bench.read(bench.run(primitive, operands, attrs));
  });
  return result;
}

/** Runs the primitive, checks its operands, and frees and overwrites them before the output is looked at. */
async function runAndDropOperands(
  bench: Workbench,
  primitive: Primitive,
  inputs: readonly Input[],
  attrs: unknown,
): Promise<Operand> {
  const operands = inputs.map(({ data, shape, dtype }) => bench.upload(data, shape, dtype));
  const output = bench.run(primitive, operands, attrs);
  for (const [i, operand] of operands.entries()) {
    if (!identical(await bench.read(operand), inputs[i].data)) {
      throw new Error(`operand ${i} was changed`);
    }
  }
  for (const operand of operands) bench.free(operand);
  // fresh buffers of the same sizes land where the operands were, on a device that reuses memory
  for (const { data, shape, dtype } of inputs) {
    bench.upload(
      data.map((x) => (x === 0 ? 1 : 0)),
      shape,
      dtype,
    );
  }
  return output;
}
