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
  lazily,
  type OdeSolveAttrs,
  odeSolve,
  type RunnableGraphs,
  runOdeSolve,
  type StepKind,
  stepGraphs,
  timesAreInput,
} from '@neuralode/solvers';
import {
  apply,
  type DerivativeRule,
  type Graph,
  isDifferentiable,
  type Modes,
  type Primitive,
  type Tensor,
} from '@neuralode/tensor';
import { batchedVjp } from './direct-batched.ts';
import { runBackward } from './direct-run.ts';
import type { BackAttrs, SplitSolve, TapeEntry, Wanted } from './direct-tape.ts';

/** Splits the graphs of a solve. Cotangents of every state leaf and group are always carried. */
function splitSolve(attrs: OdeSolveAttrs, wanted: Wanted, modes: Modes): SplitSolve {
  const graphs = stepGraphs(attrs);
  const { times, args } = wanted;
  const { leaves, control, method } = attrs;
  const groups = (count: number): boolean[] => new Array<boolean>(count * leaves).fill(true);
  const all = ({ outputs }: Graph): boolean[] => outputs.map(() => true);
  const estimated = control.kind === 'adaptive' && method.errorOrder !== undefined;
  return {
    ...(graphs.start !== undefined && {
      start: split(graphs.start, [times, ...groups(1), ...args], all(graphs.start), modes),
    }),
    of: lazily((kind: StepKind) => {
      const { given, fresh, further } = kind;
      const { step, extend, dense } = graphs.of(kind);
      // What the course decided is held fixed, and so are the coefficients that follow from it.
      const numbers = [times, times, ...(kind.coefficients === 0 ? [] : [false])];
      const work = kind.implicit ? [false] : [];
      // The estimated errors, the last output of an adaptive step, have no cotangent: control is held fixed.
      const moving = estimated ? all(step).with(-1, false) : all(step);
      return {
        step: split(step, [...numbers, ...groups(1 + given), ...args, ...work], moving, modes),
        ...(extend !== undefined && {
          extend: split(
            extend,
            [...numbers, ...groups(1 + given + fresh), ...args],
            all(extend),
            modes,
          ),
        }),
        dense: split(
          dense,
          [times, times, ...groups(1 + given + fresh + further)],
          all(dense),
          modes,
        ),
      };
    }),
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
    const own = stepGraphs(attrs);
    const { start, of } = attrs.halves;
    const runnable: RunnableGraphs = {
      ...own,
      own,
      ...(start !== undefined && { start: start.forward }),
      of: lazily((kind: StepKind) => {
        const { step, extend, dense } = of(kind);
        return {
          step: step.forward,
          dense: dense.forward,
          ...(extend !== undefined && { extend: extend.forward }),
        };
      }),
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
