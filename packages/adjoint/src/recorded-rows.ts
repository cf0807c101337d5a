/**
 * Gradient methods that record a batched solve as it runs and then walk back, as two primitives. The record is the line
 * of graphs that ran on the way to the result; the walk back mirrors it. What the rows decided for themselves is held
 * fixed, row by row, in proportion to the row's own stretch of time.
 */
import { clean, inferPullback, pullbackRule, split, spread, tapedRule } from '@neuralode/autodiff';
import {
  type GradientMethod,
  type OdeSolveAttrs,
  odeSolve,
  type RowGraph,
  RowGraphs,
} from '@neuralode/solvers';
import {
  apply,
  type DerivativeRule,
  type Modes,
  type Primitive,
  type Tensor,
} from '@neuralode/tensor';
import type { Wanted } from './direct-tape.ts';
import type { RowBackAttrs, SplitRowGraph } from './batched-tape.ts';
import { wantedOf } from './split-solve.ts';

export interface RowTapedAttrs extends OdeSolveAttrs {
  readonly graphs: RowGraphs<SplitRowGraph>;
}

function splitter(wanted: Wanted, modes: Modes): (role: RowGraph) => SplitRowGraph {
  return (role) => {
    const { graph, inputs, moving } = role;
    const args = [...wanted.args];
    const needs = inputs.map((kind) => {
      if (kind === 'arg') return args.shift() as boolean;
      return kind === 'time' ? wanted.times : kind === 'state';
    });
    const given = graph.outputs.map((_, i) => i < moving);
    const half = split(graph, needs, given, modes);
    const bare = clean({ ...graph, outputs: graph.outputs.slice(0, moving) });
    return { forward: half.forward, plain: graph.outputs.length, half, bare, role, needs };
  };
}

export interface RecordedRows {
  /** Runs the solve with these graphs; its outputs, and behind them the record. */
  readonly record: NonNullable<Primitive<RowTapedAttrs>['run']>;
  /** Walks back. Inputs: the record, the inputs of the solve, the cotangents of its outputs. */
  readonly walk: NonNullable<Primitive<RowBackAttrs>['run']>;
}

const solveRule = odeSolve.derivative as DerivativeRule<OdeSolveAttrs>;

/** The reverse mode of a batched solve by its record. */
export function recordedRows({ record, walk }: RecordedRows): GradientMethod['vjp'] {
  const taped: Primitive<RowTapedAttrs> = {
    name: 'odeSolveTaped',
    infer: (inputs, attrs) => [...odeSolve.infer(inputs, attrs), { shape: [], dtype: 'opaque' }],
    run: record,
    derivative: tapedRule<OdeSolveAttrs, RowTapedAttrs>(() => taped, solveRule),
  };
  const back: Primitive<RowBackAttrs> = {
    name: 'odeSolveBack',
    infer: inferPullback,
    run: walk,
    derivative: pullbackRule<OdeSolveAttrs, RowBackAttrs>(() => back, solveRule.jvp),
  };
  return (inputs, attrs, needs, modes) => {
    const wanted = wantedOf(inputs, attrs, needs);
    const graphs = new RowGraphs(attrs, splitter(wanted, modes));
    const results = apply(taped, inputs, { ...attrs, graphs } satisfies RowTapedAttrs);
    const tape = results.pop() as Tensor;
    return {
      outputs: results,
      pullback(cotangents) {
        const given = cotangents.map((cotangent) => cotangent !== null);
        const arrived = cotangents.filter((cotangent) => cotangent !== null);
        const backAttrs: RowBackAttrs = { loop: attrs, needs, given, wanted };
        return spread(needs, apply(back, [tape, ...inputs, ...arrived], backAttrs));
      },
    };
  };
}
