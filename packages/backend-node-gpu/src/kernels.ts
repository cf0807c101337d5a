/**
 * Kernels in place of the shared ones, for what tfjs' Node backend cannot run or TensorFlow does better.
 */
import {
  type Block,
  type Kernel,
  type KernelTable,
  sharedKernels,
  unaryKernel,
  type Workbench,
} from '@neuralode/backend-tfjs';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { getKernel, registerKernel } from '@tensorflow/tfjs-core';
import { convolution } from './convolution.ts';
import { type NodeDevice, tfName } from './device.ts';

const ownPow = 'NeuralodePow';

/** TensorFlow's Pow on operands of one type. tfjs' kernel casts them first, which wants tensors of tfjs' own class. */
const powConfig: KernelConfig = {
  kernelName: ownPow,
  backendName: tfName,
  kernelFunc: ({ inputs, backend }) => {
    const device = backend as NodeDevice;
    const [a, b] = [inputs.a, inputs.b] as TensorInfo[];
    const type = {
      name: 'T',
      type: device.binding.TF_ATTR_TYPE,
      value: device.getDTypeInteger(a.dtype),
    };
    return device.executeSingleOutput('Pow', [type], [a, b]);
  },
};

/** Registers with tfjs the kernels that we call by a name of our own. */
export function registerOwnKernels(): void {
  if (getKernel(ownPow, tfName) === undefined) registerKernel(powConfig);
}

const asIntegers = (bench: Workbench, x: Block): Block =>
  x.dtype === 'bool' ? bench.call('Cast', { x }, { dtype: 'int32' }) : x;

/** A shared kernel with its booleans as integers: TensorFlow neither orders booleans nor takes their maximum. */
function overIntegers(primitive: string): Kernel<unknown> {
  const shared = sharedKernels[primitive];
  return (bench, inputs, attrs, result) => {
    const found = shared(
      bench,
      inputs.map((x) => asIntegers(bench, x)),
      attrs,
      result,
    );
    const same = found.dtype === result.dtype;
    return same ? found : bench.call('Cast', { x: found }, { dtype: result.dtype });
  };
}

export const kernels: KernelTable = {
  ...convolution,
  pow: (bench, [a, b]) => bench.call(ownPow, { a, b }),
  log1p: unaryKernel('Log1p'),
  less: overIntegers('less'),
  lessEqual: overIntegers('lessEqual'),
  max: overIntegers('max'),
  argMax: overIntegers('argMax'),
};
