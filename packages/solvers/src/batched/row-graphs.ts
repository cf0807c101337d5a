/**
 * The graphs that a batched solve is run with, beyond those of any solve (step-graphs.ts): they choose, row by row,
 * between the state before and after, and interpolate where some rows are observed.
 *
 * Every graph says what its inputs are, so that whoever records the solve for backpropagation can prepare its reverse
 * mode without knowing what the graph is for.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, inline, record, type Spec, where } from '@neuralode/tensor';
import type { OdeSolveAttrs } from '../solve-attrs.ts';
import { along, combine, taker } from '../step-arithmetic.ts';
import type { KindGraphs } from '../method.ts';
import { recordDense } from '../runge-kutta.ts';
import { type Problem, problemOf, type StepGraphs, stepGraphs } from '../step-graphs.ts';
import { countInterpolated, type Tableau } from '../tableau.ts';

/** `time`: a number of the host that moves with the times; `choice`: one that does not (a mask, an index). */
export type RowInput = 'time' | 'choice' | 'state' | 'arg';

/** A graph with the parts that its inputs and outputs play. */
export interface RowGraph {
  readonly name: string;
  readonly graph: Graph;
  readonly inputs: readonly RowInput[];
  /** How many of its outputs, the first ones, are states or stages; what follows only steers. */
  readonly moving: number;
  /** How many evaluations of the field are in it. */
  readonly evaluations: number;
}

/** A graph as it is run. */
export interface RunnableRowGraph {
  /** The graph's own outputs, then perhaps residuals. */
  readonly forward: Graph;
  /** How many outputs are its own. */
  readonly plain: number;
}

/** From a graph to how it is run. */
export type Prepare<R extends RunnableRowGraph> = (graph: RowGraph) => R;

/** Batched solves are for Runge-Kutta methods. */
export function tableauOf({ method }: OdeSolveAttrs): Tableau {
  return method.tableau as Tableau;
}

/** How a solve that is not recorded runs a graph: as it is. */
export const asItIs: Prepare<RunnableRowGraph> = ({ graph }) => ({
  forward: graph,
  plain: graph.outputs.length,
});

/** Inputs: mask, y before, y after. Outputs: where the mask holds the one after, the one before elsewhere. */
function recordSettle({ state }: Problem, batch: number): Graph {
  const mask: Spec = { shape: [batch], dtype: 'bool' };
  const recording = record([mask, ...state, ...state], (moves, ...stand) => {
    const take = taker(stand);
    const before = take(state.length);
    const after = take(state.length);
    return before.map((leaf, l) => where(along(moves, leaf), after[l], leaf));
  });
  return clean(recording.graph);
}

/** Inputs: θ [n], h [n], rows int32[n], y, all stages. Outputs: y(t + θh) of those rows, leaves [n, …]. */
function recordDenseRows(attrs: OdeSolveAttrs, { state, scalar }: Problem, count: number): Graph {
  const number: Spec = { shape: [count], dtype: scalar.dtype };
  const few = state.map(({ shape, dtype }) => ({ shape: [count, ...shape.slice(1)], dtype }));
  const dense = recordDense(tableauOf(attrs), { state: few, scalar: number });
  const operands = Array.from(
    { length: 1 + countInterpolated(tableauOf(attrs)) },
    () => state,
  ).flat();
  const rows: Spec = { shape: [count], dtype: 'int32' };
  const recording = record([number, number, rows, ...operands], (theta, h, indices, ...stand) =>
    inline(dense, [theta, h, ...stand.map((leaf) => leaf.gather(indices))]),
  );
  return clean(recording.graph);
}

/**
 * Inputs: mask, places int32[B] in the stacks of jumps, y, those stacks [T − 2, B, …]. Outputs: keep · y + jump where
 * the mask holds, y elsewhere.
 */
function recordJump({ jumps }: OdeSolveAttrs, { state }: Problem, times: number): Graph {
  const [batch] = state[0].shape;
  const mask: Spec = { shape: [batch], dtype: 'bool' };
  const places: Spec = { shape: [batch], dtype: 'int32' };
  const stacks = state.flatMap(({ shape, dtype }, leaf) =>
    jumps[leaf] === undefined ? [] : [{ shape: [times - 2, ...shape], dtype }],
  );
  const recording = record([mask, places, ...state, ...stacks], (moves, at, ...stand) => {
    const take = taker(stand);
    return take(state.length).map((leaf, l) => {
      const jump = jumps[l];
      if (jump === undefined) return leaf;
      const addend = take(1)[0]
        .reshape([-1, ...leaf.shape.slice(1)])
        .gather(at);
      return where(along(moves, leaf), jump.keep ? leaf.add(addend) : addend, leaf);
    });
  });
  return clean(recording.graph);
}

/** Inputs: t, h (0 in a row that does not count), sums, y, all stages, args. Outputs: the sums, over one step more. */
function recordSums(attrs: OdeSolveAttrs, problem: Problem): Graph {
  const { quadrature } = attrs;
  const tableau = tableauOf(attrs);
  const { state, args, scalar } = problem;
  const { outputs, inputs } = quadrature as Graph;
  const stages = tableau.c.flatMap(() => state);
  const operands = [scalar, scalar, ...outputs, ...state, ...stages, ...args];
  const recording = record(operands, (t, h, ...stand) => {
    const take = taker(stand);
    let sums = take(outputs.length);
    const y = take(state.length);
    const k = tableau.c.map(() => take(state.length));
    const constants = take(inputs.length - 2 - state.length);
    tableau.b.forEach((weight, i) => {
      if (weight === 0) return;
      const point = y.map((leaf, l) =>
        i === 0 ? leaf : leaf.add(combine(tableau.a[i], k, l).mul(along(h, leaf))),
      );
      const at = [t.add(h.mul(tableau.c[i])), h.mul(weight), ...point, ...constants];
      const terms = inline(quadrature as Graph, at);
      sums = sums.map((sum, s) => sum.add(terms[s]));
    });
    return sums;
  });
  return clean(recording.graph);
}

/** The smallest power of two that is no smaller: so few graphs serve all counts of rows. */
export function roundedCount(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}

/** The graphs of one batched solve, each prepared at its first use. */
export class RowGraphs<R extends RunnableRowGraph = RunnableRowGraph> {
  /** Those that only steer. */
  readonly plain: StepGraphs;
  readonly #attrs: OdeSolveAttrs;
  readonly #problem: Problem;
  readonly #prepare: Prepare<R>;
  readonly #prepared = new Map<string, R>();
  readonly #kind: KindGraphs;

  constructor(attrs: OdeSolveAttrs, prepare: Prepare<R>) {
    this.plain = stepGraphs(attrs);
    this.#kind = this.plain.of(attrs.method.course().plan(0, 0).kind);
    this.#attrs = attrs;
    this.#problem = problemOf(attrs);
    this.#prepare = prepare;
  }

  get field(): R {
    const { state } = this.#problem;
    return this.#get('field', state.length, 1, ['time', ...this.#state(1), ...this.#args()], () => {
      return this.plain.field;
    });
  }

  get step(): R {
    const { leaves } = this.#attrs;
    const tableau = tableauOf(this.#attrs);
    const given = tableau.fsal ? 1 : 0;
    const moving = leaves * (1 + tableau.c.length - given);
    const inputs: RowInput[] = ['time', 'time', ...this.#state(1 + given), ...this.#args()];
    return this.#get('step', moving, tableau.c.length - given, inputs, () => this.#kind.step);
  }

  /** The stages that only the interpolant needs, where there are any. */
  get extend(): R | undefined {
    const { extend } = this.#kind;
    if (extend === undefined) return undefined;
    const { leaves } = this.#attrs;
    const tableau = tableauOf(this.#attrs);
    const evaluations = extend.outputs.length / leaves;
    const stages = this.#state(1 + tableau.c.length);
    const inputs: RowInput[] = ['time', 'time', ...stages, ...this.#args()];
    return this.#get('extend', extend.outputs.length, evaluations, inputs, () => extend);
  }

  get settle(): R {
    const batch = this.#attrs.batch as number;
    const make = (): Graph => recordSettle(this.#problem, batch);
    return this.#get('settle', this.#attrs.leaves, 0, ['choice', ...this.#state(2)], make);
  }

  get sums(): R {
    const { quadrature } = this.#attrs;
    const tableau = tableauOf(this.#attrs);
    const count = quadrature?.outputs.length ?? 0;
    const sums = new Array<RowInput>(count).fill('state');
    const stages = this.#state(1 + tableau.c.length);
    const inputs: RowInput[] = ['time', 'time', ...sums, ...stages, ...this.#args()];
    const evaluations = tableau.b.filter((weight) => weight !== 0).length;
    const make = (): Graph => recordSums(this.#attrs, this.#problem);
    return this.#get('sums', count, evaluations, inputs, make);
  }

  /** For `count` observations. */
  dense(count: number): R {
    const { leaves } = this.#attrs;
    const tableau = tableauOf(this.#attrs);
    const inputs: RowInput[] = [
      'time',
      'time',
      'choice',
      ...this.#state(1 + countInterpolated(tableau)),
    ];
    const make = (): Graph => recordDenseRows(this.#attrs, this.#problem, count);
    return this.#get(`dense ${count}`, leaves, 0, inputs, make);
  }

  jump(times: number): R {
    const { jumps, leaves } = this.#attrs;
    const stacks = jumps.filter((jump) => jump !== undefined).map((): RowInput => 'state');
    const inputs: RowInput[] = ['choice', 'choice', ...this.#state(1), ...stacks];
    const make = (): Graph => recordJump(this.#attrs, this.#problem, times);
    return this.#get(`jump ${times}`, leaves, 0, inputs, make);
  }

  #state(times: number): RowInput[] {
    return new Array<RowInput>(times * this.#attrs.leaves).fill('state');
  }

  #args(): RowInput[] {
    return this.#problem.args.map(() => 'arg');
  }

  #get(
    key: string,
    moving: number,
    evaluations: number,
    inputs: readonly RowInput[],
    make: () => Graph,
  ): R {
    let prepared = this.#prepared.get(key);
    if (prepared === undefined) {
      prepared = this.#prepare({ name: key, graph: make(), inputs, moving, evaluations });
      this.#prepared.set(key, prepared);
    }
    return prepared;
  }
}

const known = new WeakMap<OdeSolveAttrs, RowGraphs>();

/** The graphs of a batched solve that is not recorded. */
export function plainRowGraphs(attrs: OdeSolveAttrs): RowGraphs {
  let graphs = known.get(attrs);
  if (graphs === undefined) {
    graphs = new RowGraphs(attrs, asItIs);
    known.set(attrs, graphs);
  }
  return graphs;
}
