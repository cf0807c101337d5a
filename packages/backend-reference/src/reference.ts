/**
 * The reference backend: every plain primitive as a plain loop over typed arrays.
 *
 * It is the oracle that other backends are held against, so it prefers the obviously right to the fast: float32 results
 * are computed in float64 and rounded once, sums are pairwise, indices are checked. It is also the one backend with
 * float64, on which people integrate, so its loops allocate nothing per element.
 */
import {
  type Backend,
  BackendError,
  dtypeOf,
  type FloatDType,
  hostArray,
  sizeOf,
} from '@neuralode/tensor';
import { BufferStore, InternalError } from './buffer-store.ts';
import type { Block } from './kernel.ts';
import { kernels } from './kernels.ts';

export interface ReferenceOptions {
  /** Element type of tensors made from plain numbers: `float64` where left out. */
  readonly floatDType?: FloatDType;
}

/** A backend of plain TypeScript kernels, with float64, float32, int32 and bool. Needs no device and no waiting. */
export function reference({ floatDType = 'float64' }: ReferenceOptions = {}): Backend {
  const store = new BufferStore();
  return {
    name: 'reference',
    dtypes: ['float64', 'float32', 'int32', 'bool'],
    floatDType,
    upload(data, shape, dtype) {
      const copy = hostArray(dtype, sizeOf(shape));
      if (data.length !== copy.length || dtypeOf(data) !== dtype) {
        throw new InternalError(`upload of ${dtypeOf(data)}[${data.length}] as ${dtype}[${shape}]`);
      }
      copy.set(data);
      return store.hold(copy);
    },
    read: async (handle) => store.data(handle).slice(),
    readSync: (handle) => store.data(handle).slice(),
    free: (handle) => store.free(handle),
    run(primitive, operands, attrs, outputs) {
      const kernel = kernels.get(primitive);
      if (kernel === undefined) throw unknownPrimitive(primitive);
      const blocks = operands.map(({ handle, shape, dtype }): Block => {
        const data = store.data(handle);
        if (data.length !== sizeOf(shape)) {
          throw new InternalError(`${primitive}: buffer of ${data.length} as shape [${shape}]`);
        }
        return { data, shape, dtype };
      });
      const [{ shape, dtype }] = outputs;
      if (dtype === 'opaque') throw new InternalError(`${primitive}: an opaque output`);
      const out: Block = { data: hostArray(dtype, sizeOf(shape)), shape, dtype };
      // held only now, so that a kernel that refuses its operands leaves nothing behind
      kernel(blocks, attrs, out);
      return [store.hold(out.data)];
    },
    memory: () => store.memory(),
    resetPeak: () => store.resetPeak(),
  };
}

function unknownPrimitive(primitive: string): BackendError {
  return new BackendError({
    what: `The reference backend has no kernel for the primitive '${primitive}'`,
    expected: [...kernels.keys()].join(', '),
    remedy:
      'Add a kernel for it in @neuralode/backend-reference, or give the primitive a `run` of its own made of smaller ones',
  });
}
