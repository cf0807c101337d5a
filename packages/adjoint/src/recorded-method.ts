/**
 * Gradient methods that record a solve as it runs and then walk back over its steps, as two primitives: the solve with
 * its record, and the walk. They differ in what they record.
 */
import { inferPullback, pullbackRule, spread, tapedRule } from '@neuralode/autodiff';
import {
  type GradientMethod,
  type OdeSolveAttrs,
  odeSolve,
  refusesLowering,
  type StepGraphs,
} from '@neuralode/solvers';
import { apply, type DerivativeRule, type Primitive, type Tensor } from '@neuralode/tensor';
import type { BackAttrs, TapedAttrs } from './direct-tape.ts';
import { splitSolve, wantedOf } from './split-solve.ts';

export interface RecordedMethod {
  readonly name: string;
  /** The graphs of a solve that the walk back takes the reverse mode of. */
  graphs(attrs: OdeSolveAttrs): StepGraphs;
  /** Runs the solve; its outputs, and behind them the record. */
  readonly record: NonNullable<Primitive<TapedAttrs>['run']>;
  /** Walks back. Inputs: the record, the inputs of the solve, the cotangents of its outputs. */
  readonly walk: NonNullable<Primitive<BackAttrs>['run']>;
  /** The same two as code for a compiling backend, where there is any. */
  readonly lowerRecord?: Primitive<TapedAttrs>['lower'];
  readonly lowerWalk?: Primitive<BackAttrs>['lower'];
  /** The rule of a batched solve. */
  readonly batched: GradientMethod['vjp'];
}

export function recordedMethod(recorded: RecordedMethod): GradientMethod {
  const { name } = recorded;
  const solve: Primitive<TapedAttrs> = {
    name: 'odeSolveTaped',
    infer: (inputs, attrs) => [...odeSolve.infer(inputs, attrs), { shape: [], dtype: 'opaque' }],
    run: recorded.record,
    ...(recorded.lowerRecord && { lower: recorded.lowerRecord, refuses: refusesLowering }),
    get derivative() {
      return tapedSolveRule;
    },
  };
  const walk: Primitive<BackAttrs> = {
    name: 'odeSolveBack',
    infer: inferPullback,
    run: recorded.walk,
    ...(recorded.lowerWalk && {
      lower: recorded.lowerWalk,
      refuses: ({ loop }: BackAttrs) => refusesLowering(loop),
    }),
    get derivative() {
      return walkRule;
    },
  };
  const vjp: GradientMethod['vjp'] = (inputs, attrs, needs, modes) => {
    if (attrs.batch !== undefined) return recorded.batched(inputs, attrs, needs, modes);
    const wanted = wantedOf(inputs, attrs, needs);
    const halves = splitSolve(attrs, recorded.graphs(attrs), wanted, modes);
    const outputs = apply(solve, inputs, { ...attrs, halves } satisfies TapedAttrs);
    const record = outputs.pop() as Tensor;
    return {
      outputs,
      pullback(cotangents) {
        const given = cotangents.map((cotangent) => cotangent !== null);
        const arrived = cotangents.filter((cotangent) => cotangent !== null);
        const backAttrs: BackAttrs = { loop: attrs, needs, given, halves, wanted };
        return spread(needs, apply(walk, [record, ...inputs, ...arrived], backAttrs));
      },
    };
  };
  // The rule of the solve itself, which `odeSolve` brings; here with this method whatever the node says.
  const { jvp } = odeSolve.derivative as DerivativeRule<OdeSolveAttrs>;
  const tapedSolveRule = tapedRule<OdeSolveAttrs, TapedAttrs>(() => solve, { jvp, vjp });
  const walkRule = pullbackRule<OdeSolveAttrs, BackAttrs>(() => walk, jvp);
  return { name, vjp };
}
