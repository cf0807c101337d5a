/**
 * `direct()` of a batched solve: its tape is the line of graphs that ran on the way to the result, each with its
 * residuals; the walk back mirrors it. What the rows decided for themselves is held fixed, row by row, in proportion to
 * the row's own stretch of time.
 */
import {
  inferPullback,
  pullbackRule,
  runTaped,
  split,
  spread,
  tapedRule,
} from '@neuralode/autodiff';
import {
  type OdeSolveAttrs,
  odeSolve,
  type RowGraph,
  RowGraphs,
  runBatchedSolveWith,
} from '@neuralode/solvers';
import {
  apply,
  type DerivativeRule,
  type Modes,
  type Primitive,
  type Tensor,
} from '@neuralode/tensor';
import { runBatchedBackward } from './direct-batched-run.ts';
import type { Wanted } from './direct-tape.ts';
import type { RowBackAttrs, RowTapeEntry, SplitRowGraph } from './direct-batched-tape.ts';
import { wantedOf } from './split-solve.ts';

interface RowTapedAttrs extends OdeSolveAttrs {
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
    return { forward: half.forward, plain: graph.outputs.length, half, role, needs };
  };
}

/** A batched `odeSolve` with one more output: the tape. */
const batchedTaped: Primitive<RowTapedAttrs> = {
  name: 'odeSolveTaped',
  infer: (inputs, attrs) => [...odeSolve.infer(inputs, attrs), { shape: [], dtype: 'opaque' }],
  run: (inputs, attrs, backend) =>
    runTaped<RowTapeEntry>((tape) =>
      runBatchedSolveWith(inputs, attrs, backend, attrs.graphs, {
        keeps: true,
        note(event, residuals): void {
          tape.own(residuals);
          tape.entries.push({ event, residuals });
        },
      }),
    ),
  get derivative() {
    return tapedSolveRule;
  },
};

const solveRule = odeSolve.derivative as DerivativeRule<OdeSolveAttrs>;
const tapedSolveRule = tapedRule<OdeSolveAttrs, RowTapedAttrs>(() => batchedTaped, solveRule);

const batchedBack: Primitive<RowBackAttrs> = {
  name: 'odeSolveBack',
  infer: inferPullback,
  run: runBatchedBackward,
  get derivative() {
    return backRule;
  },
};
const backRule = pullbackRule<OdeSolveAttrs, RowBackAttrs>(() => batchedBack, solveRule.jvp);

/** The reverse mode of a batched solve by its tape. */
export function batchedVjp(
  inputs: readonly Tensor[],
  attrs: OdeSolveAttrs,
  needs: readonly boolean[],
  modes: Modes,
): ReturnType<DerivativeRule<OdeSolveAttrs>['vjp']> {
  const wanted = wantedOf(inputs, attrs, needs);
  const graphs = new RowGraphs(attrs, splitter(wanted, modes));
  const results = apply(batchedTaped, inputs, { ...attrs, graphs } satisfies RowTapedAttrs);
  const tape = results.pop() as Tensor;
  return {
    outputs: results,
    pullback(cotangents) {
      const given = cotangents.map((cotangent) => cotangent !== null);
      const arrived = cotangents.filter((cotangent) => cotangent !== null);
      const backAttrs: RowBackAttrs = { loop: attrs, needs, given, wanted };
      return spread(needs, apply(batchedBack, [tape, ...inputs, ...arrived], backAttrs));
    },
  };
}
