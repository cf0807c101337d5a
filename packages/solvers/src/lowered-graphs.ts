/** The graphs of a compiled solve (step-graphs.ts), each made ready with its args, which do not change while it runs. */
import type { Block, Graph, Lowering, Num, PreparedGraph, Spec } from '@neuralode/tensor';
import type { OdeSolveAttrs } from './solve-attrs.ts';
import type { RunnableGraphs } from './step-graphs.ts';
import type { Tableau } from './tableau.ts';

type SolveGraph = 'start' | 'field' | 'step' | 'extend' | 'dense' | 'size' | 'curvature' | 'finite';

const takingArgs: readonly SolveGraph[] = ['start', 'field', 'step', 'extend', 'curvature'];

export class LoweredGraphs {
  readonly #args: readonly Block[];
  readonly #prepared: ReadonlyMap<SolveGraph, PreparedGraph>;
  /** A scalar of the state's dtype: what `finite` gives, and the error of a step. */
  readonly probe: Spec;

  constructor(
    code: Lowering,
    attrs: OdeSolveAttrs,
    graphs: RunnableGraphs,
    args: readonly Block[],
  ) {
    const { method, leaves } = attrs;
    const { kind } = method.course().plan(0, 0);
    const { step, extend, observe } = graphs.of(kind);
    const tableau = method.tableau as Tableau;
    const stages = leaves * tableau.c.length;
    const further = leaves * (tableau.denseStages?.c.length ?? 0);
    // one observation at a time; with each graph, how many inputs come before its args
    const recorded: readonly (readonly [SolveGraph, Graph | undefined, number])[] = [
      ['start', graphs.start, 1 + leaves],
      ['field', graphs.field, 1 + leaves],
      ['step', step, 2 + leaves + (tableau.fsal ? leaves : 0)],
      ['extend', extend, 2 + leaves + stages],
      ['dense', observe(1), 2 + leaves + stages + further],
      ['size', graphs.size, 2 * leaves],
      ['curvature', graphs.curvature, 2 + 2 * leaves],
      ['finite', graphs.finite, leaves],
    ];
    this.#args = args;
    this.probe = graphs.finite.outputs[0];
    this.#prepared = new Map(
      recorded.flatMap(([name, graph, before]) => {
        if (graph === undefined) return [];
        const none = new Array<undefined>(before).fill(undefined);
        const given = graph.inputs.length > before ? args : [];
        return [[name, code.prepare(graph, [...none, ...given])]];
      }),
    );
  }

  /** @param inputs without the args */
  run(
    name: SolveGraph,
    inputs: readonly (Block | Num)[],
    outputs: readonly (Block | undefined)[],
  ): void {
    const given = takingArgs.includes(name) ? [...inputs, ...this.#args] : inputs;
    this.#prepared.get(name)?.run(given, outputs);
  }
}
