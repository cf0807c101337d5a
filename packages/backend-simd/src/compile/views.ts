/**
 * What a value of a graph is made of without any work: the elements of another value under another name (`reshape`, a
 * contiguous `slice`), the same number everywhere (`fill` and what only spreads it), or a matrix read across (the
 * `transpose` in front of a product).
 */
import {
  type FillAttrs,
  type Graph,
  type GraphNode,
  type SliceAttrs,
  sizeOf,
  type TransposeAttrs,
  type Value,
} from '@neuralode/tensor';

/** Elements of `root` from `offset` on, in order. */
export interface View {
  readonly root: Value;
  readonly offset: number;
}

/** A matrix, or a stack of them: its last two axes lie in memory as said, those before in order. */
export interface MatrixView {
  readonly view: View;
  readonly transposed: boolean;
}

export class Views {
  readonly #views = new Map<Value, View>();
  readonly #constants = new Map<Value, number>();
  readonly #transposes = new Map<Value, Value>();
  /** Nodes that need nothing done. */
  readonly idle = new Set<GraphNode>();

  constructor(graph: Graph) {
    for (const node of graph.nodes) this.#look(node);
  }

  #look(node: GraphNode): void {
    const { primitive, inputs, outputs, attrs } = node;
    const [output] = outputs;
    const spreads = ['reshape', 'broadcastTo', 'transpose', 'stopGradient', 'flip', 'slice'];
    if (primitive.name === 'fill') {
      this.#constants.set(output, (attrs as FillAttrs).value);
      this.idle.add(node);
    } else if (spreads.includes(primitive.name) && this.#constants.has(inputs[0])) {
      this.#constants.set(output, this.#constants.get(inputs[0]) as number);
      this.idle.add(node);
    } else if (primitive.name === 'reshape' || primitive.name === 'stopGradient') {
      this.#views.set(output, this.of(inputs[0]));
      this.idle.add(node);
    } else if (primitive.name === 'slice') {
      const offset = contiguousOffset(inputs[0].shape, attrs as SliceAttrs);
      if (offset === undefined) return;
      const { root, offset: before } = this.of(inputs[0]);
      this.#views.set(output, { root, offset: before + offset });
      this.idle.add(node);
    } else if (primitive.name === 'transpose' && swapsLast(attrs as TransposeAttrs)) {
      this.#transposes.set(output, inputs[0]);
    }
  }

  of(value: Value): View {
    return this.#views.get(value) ?? { root: value, offset: 0 };
  }

  constantOf(value: Value): number | undefined {
    return this.#constants.get(value);
  }

  /** An operand of a product. */
  matrixOf(value: Value): MatrixView {
    const before = this.#transposes.get(value);
    if (before === undefined || this.#constants.has(before)) {
      return { view: this.of(value), transposed: false };
    }
    return { view: this.of(before), transposed: true };
  }
}

/** Where a slice begins, in elements, if its elements lie side by side. */
function contiguousOffset(
  shape: readonly number[],
  { begin, size }: SliceAttrs,
): number | undefined {
  const first = size.findIndex((extent) => extent !== 1);
  const whole = size.every((extent, axis) => axis <= first || extent === shape[axis]);
  if (first >= 0 && !whole) return undefined;
  return begin.reduce((total, at, axis) => total + at * sizeOf(shape.slice(axis + 1)), 0);
}

function swapsLast({ perm }: TransposeAttrs): boolean {
  const last = perm.length - 1;
  return (
    last >= 1 &&
    perm[last] === last - 1 &&
    perm[last - 1] === last &&
    perm.slice(0, -2).every((axis, i) => axis === i)
  );
}
