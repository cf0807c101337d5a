/**
 * `direct()`: backpropagation through the accepted steps. Exact for the discrete solution; memory grows with the steps.
 *
 * The forward solve keeps the residuals of every graph that it ran on the way to the result (first stages, steps,
 * interpolations) on a tape; the backward pass walks the tape from its end. Steps are graphs, so their reverse mode is
 * `split` of any method's step, and no method needs a rule of its own here.
 *
 * What the step-size control decided is held fixed, in proportion: a step from the fraction σ of a stretch [a, b] over
 * the fraction δ stays that when a or b moves. So the times have derivatives too.
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
  type GradientMethod,
  type OdeSolveAttrs,
  odeSolve,
  plainGraphs,
  refusesLowering,
  type RunnableGraphs,
  runOdeSolve,
  stepGraphs,
  timesAreInput,
} from '@neuralode/solvers';
import {
  apply,
  type Block,
  type DerivativeRule,
  isDifferentiable,
  type Modes,
  type Primitive,
  type Tensor,
} from '@neuralode/tensor';
import { batchedVjp } from './direct-batched.ts';
import { runBackward } from './direct-run.ts';
import type { BackAttrs, SplitSolve, TapeEntry, Wanted } from './direct-tape.ts';
import { lowerBackward, lowerTaped } from './lower-direct.ts';

/** Splits the graphs of a solve. Cotangents of every state leaf and stage are always carried. */
function splitSolve(attrs: OdeSolveAttrs, wanted: Wanted, modes: Modes): SplitSolve {
  const graphs = stepGraphs(attrs);
  const state = new Array<boolean>(attrs.leaves).fill(true);
  const { tableau, control } = attrs;
  const stages = tableau.c.flatMap(() => state);
  const extended = tableau.denseStages?.c.flatMap(() => state) ?? [];
  const firstStage = tableau.fsal ? state : [];
  const outputs = (graph: { outputs: readonly unknown[] }, last: boolean): boolean[] =>
    graph.outputs.map((_, i) => last || i < graph.outputs.length - 1);
  const { times } = wanted;
  return {
    field: split(
      graphs.field,
      [times, ...state, ...wanted.args],
      outputs(graphs.field, true),
      modes,
    ),
    // The scaled error, the last output of an adaptive step, has no cotangent: control is held fixed.
    step: split(
      graphs.step,
      [times, times, ...state, ...firstStage, ...wanted.args],
      outputs(graphs.step, control.kind === 'fixed'),
      modes,
    ),
    ...(graphs.extend !== undefined && {
      extend: split(
        graphs.extend,
        [times, times, ...state, ...stages, ...wanted.args],
        outputs(graphs.extend, true),
        modes,
      ),
    }),
    dense: split(
      graphs.dense,
      [times, times, ...state, ...stages, ...extended],
      outputs(graphs.dense, true),
      modes,
    ),
  };
}

export interface TapedAttrs extends OdeSolveAttrs {
  readonly halves: SplitSolve;
}

/** `odeSolve` with one more output: the tape. */
const odeSolveTaped: Primitive<TapedAttrs> = {
  name: 'odeSolveTaped',
  infer: (inputs, attrs) => [...odeSolve.infer(inputs, attrs), { shape: [], dtype: 'opaque' }],
  run(inputs, attrs, backend) {
    const { plain, ...graphs } = plainGraphs(attrs);
    const { field, step, extend, dense } = attrs.halves;
    const runnable: RunnableGraphs = {
      ...graphs,
      plain,
      field: field.forward,
      step: step.forward,
      ...(extend !== undefined && { extend: extend.forward }),
      dense: dense.forward,
    };
    return runTaped<TapeEntry>((tape) =>
      runOdeSolve(inputs, attrs, backend, runnable, {
        note(event, residuals): void {
          tape.own(residuals);
          tape.entries.push({ event, residuals });
        },
      }),
    );
  },
  lower: (code, inputs, outputs, attrs) =>
    lowerTaped(code, inputs as readonly Block[], outputs, attrs),
  refuses: refusesLowering,
  get derivative() {
    return tapedSolveRule;
  },
};

/** The rule of the solve itself, which `odeSolve` brings; here with this method whatever the node says. */
const solveRule: DerivativeRule<OdeSolveAttrs> = {
  jvp: (odeSolve.derivative as DerivativeRule<OdeSolveAttrs>).jvp,
  vjp: (...given) => method.vjp(...given),
};
const tapedSolveRule = tapedRule<OdeSolveAttrs, TapedAttrs>(() => odeSolveTaped, solveRule);

const odeSolveBack: Primitive<BackAttrs> = {
  name: 'odeSolveBack',
  infer: inferPullback,
  run: runBackward,
  lower: (code, inputs, outputs, attrs) =>
    lowerBackward(code, inputs, outputs as readonly Block[], attrs),
  refuses: ({ loop }) => refusesLowering(loop),
  get derivative() {
    return backRule;
  },
};
const backRule = pullbackRule<OdeSolveAttrs, BackAttrs>(() => odeSolveBack, solveRule.jvp);

function wantedOf(
  inputs: readonly Tensor[],
  attrs: OdeSolveAttrs,
  needs: readonly boolean[],
): Wanted {
  const args = attrs.body.inputs.length - 1 - attrs.leaves;
  return {
    times: timesAreInput(attrs) && needs[0],
    args: needs
      .slice(needs.length - args)
      .map((need, i) => need && isDifferentiable(inputs[inputs.length - args + i])),
  };
}

const method: GradientMethod = {
  name: 'direct',
  vjp(inputs, attrs, needs, modes) {
    const wanted = wantedOf(inputs, attrs, needs);
    if (attrs.batch !== undefined) return batchedVjp(inputs, attrs, needs, wanted, modes);
    const halves = splitSolve(attrs, wanted, modes);
    const results = apply(odeSolveTaped, inputs, { ...attrs, halves } satisfies TapedAttrs);
    const tape = results.pop() as Tensor;
    return {
      outputs: results,
      pullback(cotangents) {
        const given = cotangents.map((cotangent) => cotangent !== null);
        const arrived = cotangents.filter((cotangent) => cotangent !== null);
        const backAttrs: BackAttrs = { loop: attrs, needs, given, halves, wanted };
        return spread(needs, apply(odeSolveBack, [tape, ...inputs, ...arrived], backAttrs));
      },
    };
  },
};

/** Backpropagation through the recorded steps: exact for the discrete solution, memory linear in the steps. */
export function direct(): GradientMethod {
  return method;
}
