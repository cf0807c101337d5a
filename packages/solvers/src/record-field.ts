/**
 * The state and the field of a solve as a user gives them: checked, and recorded as a graph.
 */
import {
  ArgumentError,
  DTypeError,
  flatten,
  type Graph,
  isFloat,
  leavesWithPaths,
  record,
  requireSameStructure,
  sameShape,
  showShape,
  Tensor,
} from '@neuralode/tensor';
import { shown } from './call.ts';
import { FieldError } from './errors.ts';
import type { Field } from './odeint-options.ts';

export function requireState(y0: unknown): readonly Tensor[] {
  const leaves = leavesWithPaths(y0);
  if (leaves.length === 0) {
    throw new ArgumentError({
      what: 'odeint: y0 holds no tensor',
      got: typeof y0,
      remedy: 'Make one with tensor(…)',
    });
  }
  for (const { path, tensor } of leaves) {
    if (isFloat(tensor.dtype)) continue;
    throw new DTypeError({
      what: `odeint: the state must be floating-point${path && ` (y0.${path})`}`,
      got: tensor.dtype,
      remedy: "Convert with .cast('float32')",
    });
  }
  const [first] = leaves;
  const other = leaves.find(({ tensor }) => tensor.dtype !== first.tensor.dtype);
  if (other !== undefined) {
    throw new DTypeError({
      what: 'odeint: the leaves of the state differ in dtype',
      got: `${first.tensor.dtype} at y0.${first.path} and ${other.tensor.dtype} at y0.${other.path}`,
      remedy: 'Convert one with .cast(…)',
    });
  }
  return leaves.map(({ tensor }) => tensor);
}

function requireFieldValue(y0: unknown, value: unknown): void {
  if (value instanceof Promise) {
    // What an async field fails with later would be nobody's to catch.
    value.catch(() => {});
    throw new FieldError({
      what: 'odeint: the field returned a promise',
      remedy: 'Make it a plain function: it is recorded once, so there is nothing to await',
    });
  }
  requireStateStructure(y0, value);
  const values = leavesWithPaths(value);
  leavesWithPaths(y0).forEach(({ path, tensor }, i) => {
    const got = values[i].tensor;
    if (sameShape(got.shape, tensor.shape) && got.dtype === tensor.dtype) return;
    throw new FieldError({
      what: `odeint: the field's value does not fit the state${path && ` at ${path}`}`,
      got: `${got.dtype}${showShape(got.shape)}`,
      expected: `${tensor.dtype}${showShape(tensor.shape)}`,
      remedy: 'The field must return dy/dt, shaped like y',
    });
  });
}

/** What stands in the place of a tree: the paths of its tensors, or itself where it has none. */
export function treeShown(value: unknown, paths: string | undefined): { got?: string } {
  if (value === undefined) return { got: 'nothing' };
  if (leavesWithPaths(value).length === 0) return { got: shown(value) };
  return paths === undefined ? {} : { got: paths };
}

function requireStateStructure(y0: unknown, value: unknown): void {
  try {
    requireSameStructure(y0, value, 'the two');
  } catch (error) {
    const { got, expected } = (error as ArgumentError).complaint;
    throw new FieldError({
      what: "odeint: the field's value is not a tree of tensors like the state",
      ...treeShown(value, got),
      ...(y0 instanceof Tensor ? { expected: 'a tensor' } : expected !== undefined && { expected }),
      remedy: 'The field must return dy/dt, with a tensor wherever y has one',
    });
  }
}

/** The field's graph; its captures follow `args` among the inputs. */
export function recordField<Y, Args>(
  field: Field<Y, Args>,
  y0: Y,
  args: Args,
  timeShape: readonly number[],
): { body: Graph; constants: Tensor[] } {
  const state = flatten(y0);
  const given = flatten(args);
  const { tensors } = state;
  const { dtype } = tensors[0];
  const time = { shape: timeShape, dtype };
  const recording = record([time, ...tensors, ...given.tensors], (t, ...stand) => {
    const y = state.rebuild(stand.slice(0, tensors.length));
    const value = field(t, y, given.rebuild(stand.slice(tensors.length)));
    requireFieldValue(y0, value);
    return value;
  });
  return { body: recording.graph, constants: [...given.tensors, ...recording.captures] };
}
