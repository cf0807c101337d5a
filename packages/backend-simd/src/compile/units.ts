/**
 * Takes the nodes of a graph together into units, each one kernel: elementwise operations over the same elements, those
 * that follow a matrix product, and sums over all elements of what was computed before. A product of one or two terms is
 * an elementwise operation itself, on columns of a and rows of b.
 *
 * Units run in the order in which they were begun. A node may join a unit if all that it reads comes from units begun
 * before, or from that unit itself.
 */
import {
  type DType,
  type Graph,
  type GraphNode,
  sameShape,
  sizeOf,
  type AxesAttrs,
  type Value,
  type WeightsAttrs,
} from '@neuralode/tensor';
import { longFunctions, type Member, type Ref } from '../kernels/expression.ts';
import {
  type MatMulShape,
  type Orientation,
  orientationOf,
  type Pattern,
} from '../kernels/mat-mul-shape.ts';
import { broadcastStrides } from '../kernels/nest.ts';
import { cheapValues, isWide, type Repeatable } from './derived.ts';
import { fewTerms, isNarrow, patternOf, type Product, productOf } from './products.ts';
import { type View, Views } from './views.ts';

/** A value read from memory, as an operand over the unit's shape. */
export interface UnitOperand {
  readonly view: View;
  readonly dtype: DType;
  readonly strides: readonly number[];
  /** How it lies to a product. */
  readonly pattern: Pattern | undefined;
}

/** Elementwise operations over one shape. */
interface Expression {
  readonly shape: readonly number[];
  readonly operands: UnitOperand[];
  readonly members: Member[];
  /** Which member a value is. */
  readonly values: Map<Value, number>;
  /** Those of the values that another unit stores. */
  readonly repeats: Set<Value>;
  /** Whether float64 is among the dtypes: then vectors hold two elements. */
  readonly wide: boolean;
}

export interface GroupUnit extends Expression {
  readonly kind: 'group';
  /** Sums over all elements, and which member they sum. */
  readonly sums: Map<Value, number>;
}

export interface MatMulUnit extends Expression {
  readonly kind: 'matMul';
  readonly product: Value;
  readonly a: View;
  readonly b: View;
  readonly extents: MatMulShape;
  readonly orientation: Orientation;
}

/** A node with a kernel, or a program, of its own. */
export interface NodeUnit {
  readonly kind: 'node';
  readonly node: GraphNode;
}

export type Unit = GroupUnit | MatMulUnit | NodeUnit;

const elementwise = new Set([
  'neg',
  'abs',
  'sign',
  'floor',
  'exp',
  'expm1',
  'log',
  'log1p',
  'sqrt',
  'sin',
  'cos',
  'tanh',
  'sigmoid',
  'elu',
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'equal',
  'less',
  'lessEqual',
  'logicalAnd',
  'logicalOr',
  'logicalNot',
  'where',
  'cast',
  'linearCombination',
  'broadcastTo',
]);

/** More operations than these do not join one unit: registers run out. */
const limits = { group: 40, matMul: 14 };
/** How far back a unit is looked for that merely shares an operand. */
const lookBack = 6;

/** The units of a graph, and which values' elements must stand in memory. */
export class UnitBuilder {
  readonly views: Views;
  readonly units: Unit[] = [];
  /** Which unit gives a value. */
  readonly #orders = new Map<Value, number>();
  /** Values that no unit gives: each that reads one makes it again. */
  readonly #derived: ReadonlyMap<Value, GraphNode>;
  readonly #repeatable: ReadonlyMap<Value, Repeatable>;

  constructor(graph: Graph) {
    this.views = new Views(graph);
    const { derived, repeatable } = cheapValues(graph, this.views, elementwise);
    this.#derived = derived;
    this.#repeatable = repeatable;
    const needed = this.#neededNodes(graph);
    for (const node of graph.nodes) {
      if (!needed.has(node) || this.views.idle.has(node)) continue;
      if (!this.#derived.has(node.outputs[0])) this.#place(node);
    }
  }

  /** What an elementwise node reads from units before, or from its own: what derived values are made of. */
  #sourcesOf(node: GraphNode): Value[] {
    return this.inputsOf(node).flatMap(({ root }) => {
      const derivation = this.#derived.get(root);
      return derivation === undefined ? [root] : this.#sourcesOf(derivation);
    });
  }

  /** What a node reads, transposes in front of products left out. */
  inputsOf(node: GraphNode): View[] {
    if (node.primitive.name === 'matMul') {
      return node.inputs.map((value) => this.views.matrixOf(value).view);
    }
    return node.inputs.map((value) => this.views.of(value));
  }

  /** Views resolved, some nodes have nobody who reads them. */
  #neededNodes(graph: Graph): Set<GraphNode> {
    const producers = new Map<Value, GraphNode>();
    for (const node of graph.nodes) for (const value of node.outputs) producers.set(value, node);
    const needed = new Set<GraphNode>();
    const visit = (value: Value): void => {
      const node = producers.get(value);
      if (node === undefined || needed.has(node) || this.views.constantOf(value) !== undefined)
        return;
      needed.add(node);
      for (const { root } of this.inputsOf(node)) visit(root);
    };
    for (const value of graph.outputs) visit(this.views.of(value).root);
    return needed;
  }

  #place(node: GraphNode): void {
    const { name } = node.primitive;
    if (elementwise.has(name)) this.#placeElementwise(node);
    else if (name === 'sum' && this.#joinSum(node)) return;
    else if (name === 'matMul') {
      const product = productOf(node, this.views);
      if (isNarrow(product.extents)) this.#placeNarrow(product);
      else this.#placeProduct(product);
    } else this.#begin({ kind: 'node', node }, node.outputs);
  }

  #begin(unit: Unit, values: readonly Value[]): void {
    const order = this.units.push(unit) - 1;
    for (const value of values) this.#orders.set(value, order);
  }

  #orderOf(value: Value): number {
    return this.#orders.get(value) ?? -1;
  }

  #placeElementwise(node: GraphNode): void {
    const [output] = node.outputs;
    const wide = isWide(node);
    const latest = Math.max(-1, ...this.#sourcesOf(node).map((root) => this.#orderOf(root)));
    let order = this.units.length - 1;
    const last = Math.max(latest, order - lookBack, 0);
    for (; order >= last; order--) {
      const unit = this.units[order];
      if (order < latest || unit.kind === 'node' || unit.wide !== wide) continue;
      if (order > latest && !this.#sharesOperand(unit, node)) continue;
      if (this.#join(unit, node)) {
        this.#orders.set(output, order);
        return;
      }
    }
    const unit: GroupUnit = { ...expression(output.shape, wide), kind: 'group', sums: new Map() };
    this.#begin(unit, [output]);
    this.#add(unit, node);
  }

  #sharesOperand(unit: Expression, node: GraphNode): boolean {
    const roots = unit.operands.map(({ view }) => view.root);
    return this.#sourcesOf(node).some((root) => roots.includes(root));
  }

  #join(unit: GroupUnit | MatMulUnit, node: GraphNode): boolean {
    const [{ shape }] = node.outputs;
    if (unit.members.length >= limits[unit.kind] || !takesShape(unit, shape)) return false;
    // among the sums of a product's tile its values find no registers: a pass of its own over what the product stored, which
    // is in the nearest caches still, takes seven tenths to nine tenths of the time
    if (unit.kind === 'matMul' && longFunctions.has(node.primitive.name)) return false;
    if (!node.inputs.every((input) => this.#joins(unit, input, shape))) return false;
    this.#add(unit, node);
    return true;
  }

  /** Whether an operation of this unit, over `shape`, can read `input`. */
  #joins(unit: GroupUnit | MatMulUnit, input: Value, shape: readonly number[]): boolean {
    if (this.views.constantOf(input) !== undefined) return true;
    const { root, offset } = this.views.of(input);
    const derivation = this.#derived.get(root);
    if (derivation !== undefined) {
      return derivation.inputs.every((each) => this.#joins(unit, each, shape));
    }
    const own = unit.values.has(root) || (unit.kind === 'matMul' && unit.product === root);
    if (own) return offset === 0 && sameShape(input.shape, shape);
    // a sum over the very elements that this unit makes
    if (this.#orders.get(root) === this.units.indexOf(unit)) return false;
    if (unit.kind === 'group') return true;
    if (input.dtype === 'bool' && unit.orientation === 'sums') return false;
    return patternOf(input.shape, shape) !== undefined;
  }

  #add(unit: GroupUnit | MatMulUnit, node: GraphNode): void {
    const { primitive, inputs, outputs, attrs } = node;
    const [output] = outputs;
    for (const input of inputs) {
      if (unit.values.has(input)) continue;
      const repeated = this.#repeated(unit, input);
      if (repeated !== undefined) unit.repeats.add(input);
      const derivation = this.#derived.get(input) ?? repeated;
      if (derivation !== undefined) this.#add(unit, derivation);
    }
    const shape = unit.kind === 'matMul' ? output.shape : unit.shape;
    const op = primitive.name === 'broadcastTo' ? 'identity' : primitive.name;
    const { weights } = (attrs ?? {}) as Partial<WeightsAttrs>;
    const member: Member = {
      op,
      dtype: output.dtype as DType,
      inputs: inputs.map((input) => this.#refer(unit, input, shape)),
      inputTypes: inputs.map(({ dtype }) => dtype as DType),
      ...(op === 'linearCombination' && { weights }),
    };
    unit.values.set(output, unit.members.push(member) - 1);
  }

  /** How a stored value can be made again of what this unit reads anyway: a load saved. */
  #repeated(unit: GroupUnit | MatMulUnit, value: Value): GraphNode | undefined {
    const cheap = this.#repeatable.get(value);
    if (cheap === undefined || isWide(cheap.node) !== unit.wide) return undefined;
    const { root } = this.views.of(cheap.root);
    const reads = unit.operands.some(({ view }) => view.root === root);
    return reads && sameShape(unit.shape, value.shape) ? cheap.node : undefined;
  }

  #refer(unit: GroupUnit | MatMulUnit, input: Value, shape: readonly number[]): Ref {
    const constant = this.views.constantOf(input);
    if (constant !== undefined) return { constant };
    const view = this.views.of(input);
    const member = unit.values.get(view.root);
    if (member !== undefined) return { member };
    const product = unit.kind === 'matMul' ? 1 : 0;
    if (unit.kind === 'matMul' && view.root === unit.product) return { operand: 0 };
    const strides = broadcastStrides(input.shape, shape);
    const pattern = product > 0 ? patternOf(input.shape, shape) : undefined;
    return {
      operand: product + operandOf(unit, { view, dtype: input.dtype as DType, strides, pattern }),
    };
  }

  /** A sum over all elements of what a group computes. */
  #joinSum({ inputs: [input], outputs: [output], attrs }: GraphNode): boolean {
    const { root, offset } = this.views.of(input);
    const order = this.#orderOf(root);
    const unit = this.units[order];
    const all = (attrs as AxesAttrs).axes.length === input.shape.length;
    if (
      unit?.kind !== 'group' ||
      !all ||
      offset !== 0 ||
      sizeOf(input.shape) !== sizeOf(root.shape)
    ) {
      return false;
    }
    const member = unit.values.get(root);
    if (member === undefined || output.dtype === 'int32') return false;
    unit.sums.set(output, member);
    this.#orders.set(output, order);
    return true;
  }

  #placeProduct({ value, a, b, extents }: Product): void {
    const shape = extents.batch.length === 0 ? [extents.m, extents.n] : value.shape;
    const orientation = orientationOf(extents);
    const own = { kind: 'matMul', product: value, a, b, extents, orientation } as const;
    this.#begin({ ...expression(shape, value.dtype === 'float64'), ...own }, [value]);
  }

  /** Joins what goes over the same elements, whatever that computes: passes over memory are what costs. */
  #placeNarrow(product: Product): void {
    const { value } = product;
    const wide = value.dtype === 'float64';
    const latest = Math.max(this.#orderOf(product.a.root), this.#orderOf(product.b.root));
    const earliest = Math.max(latest + 1, this.units.length - 1 - lookBack);
    for (let order = this.units.length - 1; order >= earliest; order--) {
      const unit = this.units[order];
      if (unit.kind !== 'group' || unit.wide !== wide || !sameShape(unit.shape, value.shape))
        continue;
      if (unit.members.length + fewTerms > limits.group) continue;
      this.#orders.set(value, order);
      this.#addProduct(unit, product);
      return;
    }
    const unit: GroupUnit = { ...expression(value.shape, wide), kind: 'group', sums: new Map() };
    this.#begin(unit, [value]);
    this.#addProduct(unit, product);
  }

  #addProduct(unit: GroupUnit, { value, a, b, extents }: Product): void {
    const dtype = value.dtype as DType;
    const { k, aRow, aColumn, bRow, bColumn } = extents;
    const refer = (view: View, offset: number, strides: readonly number[]): Ref => {
      const constant = this.views.constantOf(view.root);
      if (constant !== undefined) return { constant };
      const from = { root: view.root, offset: view.offset + offset };
      return { operand: operandOf(unit, { view: from, dtype, strides, pattern: undefined }) };
    };
    for (let p = 0; p < k; p++) {
      const inputs = [refer(a, p * aColumn, [aRow, 0]), refer(b, p * bRow, [0, bColumn])];
      if (p > 0) inputs.push({ member: unit.members.length - 1 });
      const op = p === 0 ? 'mul' : 'mulAdd';
      unit.members.push({ op, dtype, inputs, inputTypes: inputs.map(() => dtype) });
    }
    unit.values.set(value, unit.members.length - 1);
  }
}

/** Index of an operand among the unit's own. */
function operandOf({ operands }: Expression, operand: UnitOperand): number {
  const { view, dtype, strides } = operand;
  const known = operands.findIndex(
    (each) =>
      each.view.root === view.root &&
      each.view.offset === view.offset &&
      each.dtype === dtype &&
      String(each.strides) === String(strides),
  );
  return known >= 0 ? known : operands.push(operand) - 1;
}

/** Whether a unit's elements are those of `shape`, one by one. */
function takesShape(unit: GroupUnit | MatMulUnit, shape: readonly number[]): boolean {
  if (unit.kind === 'group') return sameShape(unit.shape, shape);
  if (unit.orientation === 'rows' || unit.extents.batch.length > 0) return false;
  return sizeOf(shape) === sizeOf(unit.shape) && shape.at(-1) === unit.shape.at(-1);
}

function expression(shape: readonly number[], wide: boolean): Expression {
  return { shape, operands: [], members: [], values: new Map(), repeats: new Set(), wide };
}
