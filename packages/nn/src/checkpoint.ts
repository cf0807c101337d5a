/**
 * Checkpoints: the tensors of a tree under the names of their places (`field[0].weight`), and back into a tree of the
 * same model. What is no tensor in a tree (numbers, functions) is not saved: it is part of the model, as is the code.
 */
import { leavesWithPaths, mapTree, showShape, type Tensor, tensor } from '@neuralode/tensor';
import { CheckpointError } from './checkpoint-error.ts';
import type { HostTensor, SafetensorsFile } from './safetensors.ts';

/** Reads every tensor of `tree` from its device, ready for `encodeSafetensors`. */
export async function checkpointOf(tree: unknown): Promise<Record<string, HostTensor>> {
  const entries = leavesWithPaths(tree).map(async ({ path, tensor: leaf }) => {
    const host: HostTensor = { dtype: leaf.dtype, shape: leaf.shape, data: await leaf.data() };
    return [path, host] as const;
  });
  const named = await Promise.all(entries);
  const tensors = Object.fromEntries(named);
  const twice = named.find(([path, host]) => tensors[path] !== host);
  if (twice === undefined) return tensors;
  throw new CheckpointError({
    what: 'checkpointOf: two leaves of the tree have the same place as text',
    got: twice[0],
    remedy: 'Do not put dots or brackets into the keys of parameters',
  });
}

/**
 * A new tree like `tree`, with tensors of the file on the current backend at its leaves; they belong to the caller.
 * Throws a `CheckpointError` that names the first leaf, where names, shapes or dtypes are those of another model.
 */
export function restore<T>(tree: T, { tensors }: Pick<SafetensorsFile, 'tensors'>): T {
  requireSameModel(tree, tensors);
  return mapTree(tree, (_leaf, path) => {
    const { data, shape, dtype } = tensors[path];
    return tensor(data, shape, { dtype });
  });
}

function requireSameModel(tree: unknown, tensors: Readonly<Record<string, HostTensor>>): void {
  const differs = (path: string, got: string, expected: string): CheckpointError =>
    new CheckpointError({
      what: `restore: a checkpoint of another model; it differs first at ${path || 'the only leaf'}`,
      got,
      expected,
      remedy: 'Build the model with the settings that it was saved with',
    });
  const known = new Set<string>();
  for (const { path, tensor: leaf } of leavesWithPaths(tree)) {
    known.add(path);
    const saved = Object.hasOwn(tensors, path) ? tensors[path] : undefined;
    const got = saved === undefined ? 'nothing' : describe(saved);
    if (got !== describe(leaf)) throw differs(path, got, describe(leaf));
  }
  const extra = Object.keys(tensors).find((path) => !known.has(path));
  if (extra !== undefined) throw differs(extra, describe(tensors[extra]), 'nothing');
}

function describe({ dtype, shape }: HostTensor | Tensor): string {
  return `${dtype}${showShape(shape)}`;
}
