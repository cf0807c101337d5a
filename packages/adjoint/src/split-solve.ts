/**
 * The graphs of a solve in halves: what runs forwards and leaves residuals, and what runs backwards from those. Whoever
 * walks back over the steps of a solve shares them.
 */
import { clean, split } from '@neuralode/autodiff';
import {
  lazily,
  type OdeSolveAttrs,
  type RunnableGraphs,
  type StepGraphs,
  type StepKind,
  stepGraphs,
  timesAreInput,
} from '@neuralode/solvers';
import { type Graph, isDifferentiable, type Modes, type Tensor } from '@neuralode/tensor';
import type { SplitSolve, Wanted } from './direct-tape.ts';

/** The forward halves, to be run in place of the graphs that they are halves of. */
export function forwardHalves({ start, of }: SplitSolve, own: StepGraphs): RunnableGraphs {
  return {
    ...own,
    own,
    ...(start !== undefined && { start: start.forward }),
    of: lazily((kind: StepKind) => {
      const { step, extend, observe } = of(kind);
      return {
        ...own.of(kind),
        step: step.forward,
        observe: (count) => observe(count).forward,
        ...(extend !== undefined && { extend: extend.forward }),
      };
    }),
  };
}

const known = new WeakMap<OdeSolveAttrs, StepGraphs>();

/** The graphs of a solve whose steps are known to stand: without their estimated errors. */
export function withoutErrors(attrs: OdeSolveAttrs): StepGraphs {
  let bare = known.get(attrs);
  if (bare === undefined) {
    const graphs = stepGraphs(attrs);
    bare = {
      ...graphs,
      of: lazily((kind: StepKind) => {
        const own = graphs.of(kind);
        const outputs = own.step.outputs.slice(0, (1 + kind.fresh) * attrs.leaves);
        return { ...own, step: clean({ ...own.step, outputs }) };
      }),
    };
    known.set(attrs, bare);
  }
  return bare;
}

/** Splits the graphs of a solve. Cotangents of every state leaf and group are always carried. */
export function splitSolve(
  { leaves }: OdeSolveAttrs,
  graphs: StepGraphs,
  wanted: Wanted,
  modes: Modes,
): SplitSolve {
  const { times, args } = wanted;
  const groups = (count: number): boolean[] => new Array<boolean>(count * leaves).fill(true);
  const all = ({ outputs }: Graph): boolean[] => outputs.map(() => true);
  return {
    ...(graphs.start !== undefined && {
      start: split(graphs.start, [times, ...groups(1), ...args], all(graphs.start), modes),
    }),
    of: lazily((kind: StepKind) => {
      const { given, fresh, further } = kind;
      const { step, extend, observe } = graphs.of(kind);
      // What the course decided is held fixed, and so are the coefficients that follow from it.
      const numbers = [times, times, ...(kind.coefficients === 0 ? [] : [false])];
      const work = kind.implicit ? [false] : [];
      // Estimated errors, the last output where there are any, have no cotangent: control is held fixed.
      const moving = step.outputs.map((_, i) => i < (1 + fresh) * leaves);
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
        observe: lazily((count: number) => {
          const graph = observe(count);
          const moved = [times, times, ...groups(1 + given + fresh + further)];
          return split(graph, moved, all(graph), modes);
        }),
      };
    }),
  };
}

/** What of the inputs of a solve is wanted, where `needs` says which cotangents are. */
export function wantedOf(
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
