/**
 * `adjointSolve`: the backward solve of `interpolated()` as one node. It is a solve of the adjoint a alone; the
 * parameters' gradient, −∫ aᵀ ∂f/∂θ dt, is no part of its state. It is summed up by Gauss-Legendre quadrature along the
 * accepted steps (as in the GaussAdjoint of SciMLSensitivity, Kim, Ji, Deng, Ma, Rackauckas 2021), over every piece
 * between two ends of steps of either solve: on such a piece both the state and the adjoint are polynomials, and either
 * one's steps have resolved what varies in the integrand.
 */
import { clean, pullBack } from '@neuralode/autodiff';
import {
  type AcceptedStep,
  lazily,
  NonFiniteError,
  type OdeSolveAttrs,
  odeSolve,
  plainGraphs,
  runOdeSolve,
  solveInputs,
  type SolveStats,
  type Witness,
} from '@neuralode/solvers';
import {
  type Backend,
  type DeviceBuffer,
  type Graph,
  inline,
  type Primitive,
  type Run,
  record,
  releaseAll,
  runGraph,
  type Slot,
  type Spec,
  type Tensor,
  zerosOf,
} from '@neuralode/tensor';
import { gaussLegendre, type Quadrature } from './gauss-legendre.ts';
import { type KeptSolve, scalarOf, stateAt } from './kept-solve.ts';

/** What the integrand is made of. */
interface Integrand {
  /** The forward solve. */
  readonly forward: OdeSolveAttrs;
  /** Which of its args get a gradient. */
  readonly wanted: readonly boolean[];
}

/**
 * The attributes of the solve for a, whose args are the `KeptSolve` and then the forward solve's. Outputs: those of the
 * solve, then the gradients.
 */
export interface AdjointSolveAttrs extends Integrand {
  readonly solve: OdeSolveAttrs;
}

/**
 * One node of the quadrature, in steps that `dense` interpolates. Inputs: t, θ, h, w, the state of the backward solve before its step, the step's stages, its
 * args, the sums so far. Outputs: the sums with −w aᵀ∂f/∂θ added, at the time t, which is the fraction θ of the step.
 */
function recordTerm({ solve, forward, wanted }: AdjointSolveAttrs, dense: Graph): Graph {
  const [scalar] = dense.inputs;
  const state = forward.body.inputs.slice(1, 1 + forward.leaves);
  const args = solve.body.inputs.slice(1 + solve.leaves);
  const totals = args.slice(1).filter((_, i) => wanted[i]);
  const operands = [scalar, scalar, ...dense.inputs, ...args, ...totals];
  const recording = record(operands, (t, w, ...stand) => {
    const take = (count: number): Tensor[] => stand.splice(0, count);
    const here = inline(dense, take(dense.inputs.length));
    const [kept, ...constants] = take(args.length);
    const z = stateAt(state, kept, t, here[forward.leaves]);
    const needs = [false, ...z.map(() => false), ...wanted];
    const { pullback } = pullBack(forward.body, [t, ...z, ...constants], needs);
    const weight = w.neg();
    const terms = pullback(here.slice(0, forward.leaves).map((a) => a.mul(weight)));
    return constants.flatMap((_, i) => {
      if (!wanted[i]) return [];
      const total = stand.shift() as Tensor;
      const term = terms[1 + forward.leaves + i];
      return [term === null ? total : total.add(term)];
    });
  });
  return clean(recording.graph);
}

interface SumGraphs {
  /** By the interpolant of a step. */
  term(dense: Graph): Graph;
  /** Inputs: the sums. Output: 0, or NaN where an element is not finite. */
  readonly finite: Graph;
  readonly rule: Quadrature;
}

const known = new WeakMap<AdjointSolveAttrs, SumGraphs>();

const gradientSpecs = ({ forward, wanted }: Integrand): Spec[] =>
  forward.body.inputs.slice(1 + forward.leaves).filter((_, i) => wanted[i]);

function graphsOf(attrs: AdjointSolveAttrs): SumGraphs {
  let graphs = known.get(attrs);
  if (graphs === undefined) {
    const finite = record(gradientSpecs(attrs), (...sums) =>
      sums.map((sum) => sum.mul(0).sum()).reduce((a, b) => a.add(b)),
    ).graph;
    // As exact as the method itself: order p needs n nodes with 2n ≥ p.
    const rule = gaussLegendre(Math.ceil(attrs.solve.method.order / 2));
    graphs = { term: lazily((dense: Graph) => recordTerm(attrs, dense)), finite, rule };
    known.set(attrs, graphs);
  }
  return graphs;
}

/** Looks on at the solve for a, and sums up the gradient of the parameters. */
class GradientSum implements Witness {
  readonly #attrs: AdjointSolveAttrs;
  readonly #backend: Backend;
  readonly #args: readonly Slot[];
  #sums: Slot[];
  #end = Number.NaN;
  evaluations = 0;

  constructor(attrs: AdjointSolveAttrs, args: readonly Slot[], backend: Backend) {
    this.#attrs = attrs;
    this.#args = args;
    this.#backend = backend;
    this.#sums = gradientSpecs(attrs).map((spec) => zerosOf(backend, spec));
  }

  *begin(): Run<void> {}

  // biome-ignore lint/correctness/useYield: nothing need be read here
  *inspect(): Run<undefined> {
    return undefined;
  }

  *accepted(step: AcceptedStep): Run<void> {
    const { start, end } = step;
    const stages = yield* step.stages();
    const slots = [...step.before, ...stages, ...this.#args];
    const boundaries = (this.#args[0] as KeptSolve).boundaries(start, end);
    const points = [start, ...boundaries, end];
    for (let i = 1; i < points.length; i++) {
      yield* this.#addPiece(points[i - 1], points[i], step, slots);
    }
  }

  *#addPiece(
    from: number,
    to: number,
    { start, h, dense }: AcceptedStep,
    slots: readonly Slot[],
  ): Run<void> {
    const { term: termOf, rule } = graphsOf(this.#attrs);
    const term = termOf(dense);
    for (const [i, node] of rule.nodes.entries()) {
      const t = from + node * (to - from);
      const numbers = [t, rule.weights[i] * (to - from), (t - start) / h, h].map((value) =>
        scalarOf(value, term.inputs[0], this.#backend),
      );
      try {
        const sums = yield* runGraph(term, [...numbers, ...slots, ...this.#sums], this.#backend);
        releaseAll(this.#sums);
        this.#sums = sums;
      } finally {
        releaseAll(numbers);
      }
      this.evaluations++;
    }
  }

  beginRows(): void {}
  end(t: number): void {
    this.#end = t;
  }
  failed(): void {}

  /** The gradients, which the caller then owns. */
  *take(): Run<Slot[]> {
    const { finite } = graphsOf(this.#attrs);
    const [probe] = yield* runGraph(finite, this.#sums, this.#backend);
    try {
      const [value] = yield probe as DeviceBuffer;
      if (value === 0) return this.#sums.splice(0);
    } finally {
      probe.release();
    }
    throw new NonFiniteError(this.#end, 'backward', "the parameters' gradient is not finite");
  }

  release(): void {
    releaseAll(this.#sums);
  }
}

export const adjointSolve: Primitive<AdjointSolveAttrs> = {
  name: 'adjointSolve',
  infer(inputs, { solve, wanted }) {
    const [, ...args] = solveInputs(inputs, solve).args;
    return [...odeSolve.infer(inputs, solve), ...args.filter((_, i) => wanted[i])].map(
      ({ shape, dtype }) => ({ shape, dtype }),
    );
  },
  *run(inputs, attrs, backend): Run<Slot[]> {
    const { solve, wanted } = attrs;
    const graphs = plainGraphs(solve);
    if (!wanted.includes(true)) return yield* runOdeSolve(inputs, solve, backend, graphs);
    const sum = new GradientSum(attrs, solveInputs(inputs, solve).args, backend);
    const onSolve = (stats: SolveStats): void =>
      solve.onSolve?.({ ...stats, nfe: stats.nfe + sum.evaluations });
    try {
      const looked = { ...solve, onSolve, witness: sum };
      const adjoints = yield* runOdeSolve(inputs, looked, backend, graphs);
      try {
        return [...adjoints, ...(yield* sum.take())];
      } catch (error) {
        releaseAll(adjoints);
        throw error;
      }
    } finally {
      sum.release();
    }
  },
};
