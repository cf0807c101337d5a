/**
 * One step of an Adams method: predict with the slopes of earlier steps, evaluate, and, where it corrects, correct with
 * that slope and evaluate again (PECE). All weights are coefficients of the course.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, inline, record, type Tensor } from '@neuralode/tensor';
import type { AdaptiveControl } from '../control.ts';
import type { StepKind } from '../method.ts';
import type { OdeSolveAttrs } from '../solve-attrs.ts';
import { taker } from '../step-arithmetic.ts';
import type { Problem } from '../step-graphs.ts';
import { recordPolynomial, recordPolynomialValue } from './polynomial-output.ts';
import { combineRows, entryOf, matrixAt, rowOf, sizesOfRows } from './weighted-rows.ts';

export interface AdamsShape {
  readonly name: string;
  /** How many of the latest slopes it is given, f(t, y) first. */
  readonly given: number;
  /** Whether it corrects; then the first of its fresh slopes is the predicted one. The last is f(t + h, y₁). */
  readonly corrects: boolean;
  /** How many error estimates it makes. */
  readonly estimates: number;
  /** Of the dense output. */
  readonly degree: number;
}

/** The coefficients of a step, row by row. Each row weighs the given and then the fresh slopes. */
export interface AdamsRows {
  readonly predict: readonly number[];
  readonly correct?: readonly number[];
  readonly errors: readonly (readonly number[])[];
  /** Row j: of θ^(j+1) in the dense output. */
  readonly dense: readonly (readonly number[])[];
}

export function flattenRows({ predict, correct, errors, dense }: AdamsRows): number[] {
  return [predict, ...(correct === undefined ? [] : [correct]), ...errors, ...dense].flat();
}

function recordAdams(
  { given, corrects, estimates }: AdamsShape,
  coefficients: number,
  { control, steered }: OdeSolveAttrs,
  { body, state, args, scalar }: Problem,
): Graph {
  const fresh = corrects ? 2 : 1;
  const [columns, rows] = [given + fresh, fresh + estimates];
  const vector = { shape: [coefficients], dtype: scalar.dtype };
  const slopes = Array.from({ length: given }, () => state).flat();
  const recording = record([scalar, scalar, vector, ...state, ...slopes, ...args], (...stand) => {
    const take = taker(stand);
    const [t, h, numbers] = take(3);
    const y = take(state.length);
    const old = Array.from({ length: given }, () => take(state.length));
    const constants = take(args.length);
    const weights = matrixAt(numbers, 0, rows, columns);
    const part = weights.slice([0, 0], [rows, given]);
    const known = y.map((_, l) =>
      combineRows(
        part,
        old.map((slope) => slope[l]),
      ),
    );
    const next = t.add(h);
    const move = (change: readonly Tensor[]): Tensor[] =>
      y.map((leaf, l) => leaf.add(change[l].mul(h)));
    const predicted = move(y.map((leaf, l) => rowOf(known[l], 0, leaf)));
    const first = inline(body, [next, ...predicted, ...constants]);
    if (!corrects) return [...predicted, ...first];
    const weight = entryOf(weights, 1, given);
    const y1 = move(y.map((leaf, l) => rowOf(known[l], 1, leaf).add(first[l].mul(weight))));
    const last = inline(body, [next, ...y1, ...constants]);
    const outputs = [...y1, ...first, ...last];
    if (estimates === 0) return outputs;
    const errors = known.map((product, l) => {
      const size = product.shape[1];
      const flat = [first, last].map((slope) => slope[l].reshape([1, size]));
      const changes = flat.map((slope, i) =>
        weights.slice([2, given + i], [estimates, 1]).matMul(slope),
      );
      return product.slice([2, 0], [estimates, size]).add(changes[0]).add(changes[1]).mul(h);
    });
    const ends = { y, y1 };
    return [...outputs, sizesOfRows(errors, ends, estimates, control as AdaptiveControl, steered)];
  });
  return clean(recording.graph);
}

export function adamsKind(shape: AdamsShape): StepKind {
  const { name, given, corrects, estimates, degree } = shape;
  const fresh = corrects ? 2 : 1;
  const coefficients = (given + fresh) * (fresh + estimates + degree);
  const polynomial = {
    ...{ given, fresh, degree, coefficients, slopes: true },
    weighed: (_: Tensor, old: readonly Tensor[], made: readonly Tensor[]) => [...old, ...made],
  };
  const cost = { evaluations: fresh, jacobians: 0, factorisations: 0 };
  return {
    ...{ name, given, fresh, coefficients },
    leaves: [fresh - 1],
    further: degree,
    implicit: false,
    cost: { step: cost, reverse: cost, extend: 0 },
    record: (attrs, problem) => ({
      step: recordAdams(shape, coefficients, attrs, problem),
      extend: recordPolynomial(polynomial, problem),
      dense: recordPolynomialValue(polynomial, problem),
    }),
  };
}
