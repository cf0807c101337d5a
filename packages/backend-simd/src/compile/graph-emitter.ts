/** Writes the kernels of one graph, in the order of its units, and says where each value lies meanwhile. */
import {
  bytesPerElement,
  type DType,
  type GraphNode,
  type Place,
  type Spec,
  sizeOf,
  type Value,
} from '@neuralode/tensor';
import { type MatMulKernel, scratchBytes } from '../kernels/mat-mul-shape.ts';
import { mostPartsFor, partsFor } from '../threads/split-kernel.ts';
import { type NodeCode, nodeWriters, type PartOperand } from './emit-node.ts';
import type { Kernel } from './library.ts';
import type { MemoryBlock } from './memory-block.ts';
import type { GroupUnit, MatMulUnit, Unit, UnitBuilder } from './units.ts';
import type { View } from './views.ts';

/** How a product reads its right-hand matrix. */
export interface MatMulReading {
  readonly block: MemoryBlock;
  readonly extents: MatMulUnit['extents'];
}

/** What the code of a graph can do. */
export interface GraphCode {
  call(kernel: Kernel, ...blocks: readonly MemoryBlock[]): void;
  fill(block: MemoryBlock, value: number): void;
  take(spec: Spec): MemoryBlock;
  give(block: MemoryBlock): void;
  copy(from: MemoryBlock, to: MemoryBlock): void;
  /** Threads that share the work of large kernels. */
  readonly threads: number;
  callParts(parts: number, kernel: Kernel, ...operands: readonly PartOperand[]): void;
  add(parts: readonly MemoryBlock[], to: MemoryBlock): void;
  ordered(unit: MatMulUnit, b: MemoryBlock): MatMulReading | undefined;
  lower(node: GraphNode, inputs: readonly Place[], outputs: readonly Place[]): void;
}

/** Operations of a convolution below which it is done sooner than another thread has begun. */
const leastOperations = 1_000_000;

/** What lies along the first axis of a block, one by one. */
function partsOf(block: MemoryBlock): MemoryBlock[] {
  const [count, ...shape] = block.shape;
  const bytes = sizeOf(shape) * bytesPerElement(block.dtype);
  return Array.from({ length: count }, (_, i) =>
    block.as({ shape, dtype: block.dtype }, i * bytes),
  );
}

/** Values that a unit reads from memory. */
export function readsOf(unit: Unit, builder: UnitBuilder): View[] {
  switch (unit.kind) {
    case 'group':
      return unit.operands.map(({ view }) => view);
    case 'matMul':
      return [unit.a, unit.b, ...unit.operands.map(({ view }) => view)];
    case 'node':
      return builder.inputsOf(unit.node);
  }
}

function madeBy({ values, repeats }: GroupUnit | MatMulUnit): Value[] {
  return [...values.keys()].filter((value) => !repeats.has(value));
}

function valuesOf(unit: Unit): Value[] {
  switch (unit.kind) {
    case 'group':
      return [...madeBy(unit), ...unit.sums.keys()];
    case 'matMul':
      return [unit.product, ...madeBy(unit)];
    case 'node':
      return [...unit.node.outputs];
  }
}

/** Writes the units of one graph, each value in memory from its unit to its last reader. */
export class GraphEmitter {
  readonly #code: GraphCode;
  readonly #nodeCode: NodeCode;
  readonly #builder: UnitBuilder;
  readonly #places: Map<Value, MemoryBlock>;
  readonly #opaque = new Map<Value, Place>();
  readonly #lastReader = new Map<Value, number>();
  /** Blocks that are to be given back. */
  readonly #own = new Map<Value, MemoryBlock>();
  #temporaries: MemoryBlock[] = [];

  constructor(code: GraphCode, builder: UnitBuilder, places: Map<Value, MemoryBlock>) {
    this.#code = code;
    this.#nodeCode = {
      call: (kernel, ...blocks) => code.call(kernel, ...blocks),
      fill: (block, value) => code.fill(block, value),
      scratch: (spec) => this.#scratch(spec),
      partsOf: (batch, operations) =>
        code.threads > 1 && operations >= leastOperations ? partsFor(batch, code.threads) : 1,
      callParts: (parts, kernel, ...operands) => code.callParts(parts, kernel, ...operands),
      addParts: (all, to) => code.add(partsOf(all), to),
    };
    this.#builder = builder;
    this.#places = places;
    builder.units.forEach((unit, i) => {
      for (const { root } of readsOf(unit, builder)) this.#lastReader.set(root, i);
    });
  }

  emit(outputs: readonly Value[], targets: readonly MemoryBlock[]): void {
    const { units, views } = this.#builder;
    const made = new Set(units.flatMap(valuesOf));
    const end = units.length;
    const left: [Value, MemoryBlock][] = [];
    outputs.forEach((value, i) => {
      const { root, offset } = views.of(value);
      const whole = offset === 0 && sizeOf(root.shape) === sizeOf(value.shape);
      if (whole && made.has(root) && !this.#places.has(root))
        this.#places.set(root, targets[i].as(root));
      else left.push([value, targets[i]]);
      this.#lastReader.set(root, end);
    });
    units.forEach((unit, i) => {
      this.#unit(unit);
      for (const value of new Set([
        ...valuesOf(unit),
        ...readsOf(unit, this.#builder).map(({ root }) => root),
      ])) {
        if ((this.#lastReader.get(value) ?? i) <= i) this.#release(value);
      }
      this.#releaseTemporaries();
    });
    for (const [value, target] of left) this.#code.copy(this.#placeOf(value), target);
    for (const value of [...this.#own.keys()]) this.#release(value);
    this.#releaseTemporaries();
  }

  /** Memory until the unit at hand is done. */
  #scratch(spec: Spec): MemoryBlock {
    const block = this.#code.take(spec);
    this.#temporaries.push(block);
    return block;
  }

  #release(value: Value): void {
    const block = this.#own.get(value);
    if (block === undefined) return;
    this.#own.delete(value);
    this.#places.delete(value);
    this.#code.give(block);
  }

  #releaseTemporaries(): void {
    for (const block of this.#temporaries) this.#code.give(block);
    this.#temporaries = [];
  }

  /** Where a value's elements lie; those of a constant are written for the occasion. */
  #placeOf(value: Value): MemoryBlock {
    const { views } = this.#builder;
    const constant = views.constantOf(value);
    if (constant !== undefined) {
      const block = this.#scratch(value);
      this.#code.fill(block, constant);
      return block;
    }
    return this.#at(views.of(value)).as(value);
  }

  #at({ root, offset }: View): MemoryBlock {
    const block = this.#places.get(root);
    if (block === undefined) {
      if (this.#builder.views.constantOf(root) !== undefined) return this.#placeOf(root);
      throw new Error('a value is read that has no place');
    }
    return block.as(root, offset * bytesPerElement(root.dtype as DType));
  }

  /** Where a value is to be written. */
  #target(value: Value): MemoryBlock {
    let block = this.#places.get(value);
    if (block === undefined) {
      block = this.#code.take(value);
      this.#own.set(value, block);
      this.#places.set(value, block);
    }
    return block;
  }

  #isRead(value: Value): boolean {
    return this.#lastReader.has(value) || this.#places.has(value);
  }

  #unit(unit: Unit): void {
    switch (unit.kind) {
      case 'group':
        this.#group(unit);
        break;
      case 'matMul':
        this.#product(unit);
        break;
      case 'node':
        this.#node(unit.node);
        break;
    }
  }

  #storedBy({ values, repeats }: GroupUnit | MatMulUnit): [Value, number][] {
    return [...values].filter(([value]) => !repeats.has(value) && this.#isRead(value));
  }

  #group(unit: GroupUnit): void {
    const { shape, operands, members, sums } = unit;
    const stored = this.#storedBy(unit);
    const summed = [...sums].filter(([value]) => this.#isRead(value));
    const inputs = operands.map(({ view }) => this.#at(view));
    const results = [...stored, ...summed].map(([value]) => this.#target(value));
    this.#code.call(
      {
        kind: 'elementwise',
        shape,
        operands: operands.map(({ dtype, strides }) => ({ dtype, strides })),
        members,
        stored: stored.map(([, member]) => member),
        sums: summed.map(([, member]) => member),
      },
      ...inputs,
      ...results,
    );
  }

  #product(unit: MatMulUnit): void {
    const { product, members, operands } = unit;
    const stored = this.#storedBy(unit);
    if (this.#isRead(product)) stored.unshift([product, -1]);
    const plain = this.#at(unit.b);
    const { block: b, extents } = this.#code.ordered(unit, plain) ?? {
      block: plain,
      extents: unit.extents,
    };
    const kernel: MatMulKernel = {
      ...extents,
      kind: 'matMul',
      operands: operands.map(({ dtype, pattern = 'full' }) => ({ dtype, pattern })),
      members,
      stored: stored.map(([, member]) => member),
    };
    const inputs = [this.#at(unit.a), b, ...operands.map(({ view }) => this.#at(view))];
    const results = stored.map(([value]) => this.#target(value));
    const scratch = scratchBytes(kernel) * mostPartsFor(this.#code.threads);
    if (scratch > 0) results.push(this.#scratch({ shape: [scratch / 4], dtype: 'float32' }));
    this.#code.call(kernel, ...inputs, ...results);
  }

  #node(node: GraphNode): void {
    const write = nodeWriters[node.primitive.name];
    if (write !== undefined) {
      const inputs = node.inputs.map((value) => this.#placeOf(value));
      write(this.#nodeCode, node, inputs, this.#target(node.outputs[0]));
      return;
    }
    const inputs = node.inputs.map(
      (value): Place => this.#opaque.get(value) ?? this.#placeOf(value),
    );
    const outputs = node.outputs.map((value): Place => {
      if (value.dtype !== 'opaque') return this.#target(value);
      const place: Place = { kind: 'opaque', content: undefined };
      this.#opaque.set(value, place);
      return place;
    });
    this.#code.lower(node, inputs, outputs);
  }
}
