/**
 * One step of a backward differentiation formula with a fixed leading coefficient (Brenan, Campbell, Petzold, "Numerical
 * Solution of Initial-Value Problems in Differential-Algebraic Equations", 1989, section 5.2): with P the polynomial
 * through the latest values, y₁ = P(t + h) + d solves γ d + h P′(t + h) = h f(t + h, P(t + h) + d).
 */
import { clean } from '@neuralode/autodiff';
import { apply, type Graph, inline, record, type Tensor } from '@neuralode/tensor';
import type { AdaptiveControl } from '../control.ts';
import { type FlatField, flatFieldOf } from '../implicit/flat-field.ts';
import { identity } from '../implicit/jacobian.ts';
import { newtonControl, newtonScale, recordJacobian } from '../implicit/newton-stage.ts';
import { type NewtonAttrs, newtonSolvePrimitive } from '../implicit/newton-solve.ts';
import type { StepKind } from '../method.ts';
import type { OdeSolveAttrs } from '../solve-attrs.ts';
import { taker } from '../step-arithmetic.ts';
import { recordPolynomial, recordPolynomialValue } from './polynomial-output.ts';
import { combineRows, matrixAt, rowOf, sizesOfRows } from './weighted-rows.ts';

export interface BdfShape {
  readonly name: string;
  /** How many values before y it is given. */
  readonly given: number;
  /** Whether there are none yet: it is then given f(t, y), and counts h f. */
  readonly first: boolean;
  /** 1/γ. */
  readonly weight: number;
  /** How many error estimates it makes. */
  readonly estimates: number;
  /** Of the dense output. */
  readonly degree: number;
}

/** The coefficients of a step, row by row. Each row weighs y, the given groups, and y₁. */
export interface BdfRows {
  /** P(t + h). */
  readonly predict: readonly number[];
  /** h P′(t + h)/γ. */
  readonly slope: readonly number[];
  readonly errors: readonly (readonly number[])[];
  /** Row j: of θ^(j+1) in the dense output. */
  readonly dense: readonly (readonly number[])[];
}

export function flattenBdfRows({ predict, slope, errors, dense }: BdfRows): number[] {
  return [predict, slope, ...errors, ...dense].flat();
}

/** Of d: the time t + h, h/γ, P(t + h) and h P′(t + h)/γ; then the arguments. The Jacobian is taken at P(t + h). */
function newtonGraphs(field: FlatField) {
  const { scalar, vector, args, graph, size } = field;
  const params = [scalar, scalar, vector, vector, ...args];
  const residual = record([vector, ...params], (d, time, step, predicted, slope, ...constants) => {
    const [rate] = inline(graph, [time, predicted.add(d), ...constants]);
    return d.add(slope).sub(rate.mul(step));
  });
  const square = { shape: [size, size], dtype: vector.dtype };
  const matrix = record([square, ...params], (jacobian, _time, step) =>
    identity(size, vector).sub(jacobian.mul(step)),
  );
  return {
    residual: clean(residual.graph),
    jacobian: recordJacobian(field, params, ([time, _step, predicted, _slope, ...constants]) => [
      time,
      predicted,
      ...constants,
    ]),
    matrix: clean(matrix.graph),
  };
}

interface BdfInputs {
  readonly next: Tensor;
  /** h/γ. */
  readonly step: Tensor;
  readonly y: readonly Tensor[];
  readonly predicted: readonly Tensor[];
  /** h P′(t + h)/γ. */
  readonly slope: readonly Tensor[];
  readonly args: readonly Tensor[];
  readonly work: Tensor;
}

function solveStep(field: FlatField, { control }: OdeSolveAttrs, inputs: BdfInputs): Tensor[] {
  const { next, step, y, predicted, slope, args, work } = inputs;
  const attrs: NewtonAttrs = {
    ...newtonGraphs(field),
    control: newtonControl(control, field.vector),
    evaluations: 1,
    shared: true,
  };
  const guess = field.pack(predicted);
  const operands = [next, step, guess, field.pack(slope), ...args, work];
  const scale = newtonScale(control, field.pack(y));
  const [d] = apply(newtonSolvePrimitive, [guess.mul(0), scale, ...operands], attrs);
  const end = guess.add(d);
  const rates = field.rates(next, end, args);
  const quadratures = predicted.map((leaf, l) => leaf.sub(slope[l]).add(rates[l].mul(step)));
  return field.unpack(end, quadratures);
}

function recordBdf(shape: BdfShape, coefficients: number, attrs: OdeSolveAttrs): Graph {
  const { given, first, weight, estimates } = shape;
  const field = flatFieldOf(attrs);
  const { scalar, state, args } = field;
  const [columns, rows] = [given + 2, 2 + estimates];
  const vector = { shape: [coefficients], dtype: scalar.dtype };
  const values = Array.from({ length: given }, () => state).flat();
  const opaque = { shape: [], dtype: 'opaque' as const };
  const specs = [scalar, scalar, vector, ...state, ...values, ...args, opaque];
  const recording = record(specs, (...stand) => {
    const take = taker(stand);
    const [t, h, numbers] = take(3);
    const y = take(state.length);
    const groups = Array.from({ length: given }, () => take(state.length));
    const old = first ? groups.map((group) => group.map((leaf) => leaf.mul(h))) : groups;
    const constants = take(args.length);
    const [work] = take(1);
    const weights = matrixAt(numbers, 0, rows, columns);
    const part = weights.slice([0, 0], [rows, given + 1]);
    const known = y.map((leaf, l) => combineRows(part, [leaf, ...old.map((group) => group[l])]));
    const row = (i: number): Tensor[] => y.map((leaf, l) => rowOf(known[l], i, leaf));
    const y1 = solveStep(field, attrs, {
      ...{ next: t.add(h), step: h.mul(weight), y, predicted: row(0), slope: row(1) },
      ...{ args: constants, work },
    });
    const end = weights.slice([2, given + 1], [estimates, 1]);
    const errors = known.map((product, l) => {
      const size = product.shape[1];
      return product.slice([2, 0], [estimates, size]).add(end.matMul(y1[l].reshape([1, size])));
    });
    const control = attrs.control as AdaptiveControl;
    const sizes = sizesOfRows(errors, { y, y1 }, estimates, control, attrs.steered);
    return [...y1, ...y, ...y1, sizes];
  });
  return clean(recording.graph);
}

export function bdfKind(shape: BdfShape): StepKind {
  const { name, given, estimates, degree } = shape;
  const fresh = 2;
  const coefficients = (given + 2) * (2 + estimates + degree);
  const polynomial = {
    ...{ given, fresh, degree, coefficients, slopes: false },
    weighed: (y: Tensor, old: readonly Tensor[], [, y1]: readonly Tensor[]) => [y, ...old, y1],
  };
  return {
    ...{ name, given, fresh, coefficients },
    // y itself: of the past to the next step.
    leaves: [0],
    further: degree,
    implicit: true,
    cost: {
      step: { evaluations: 0, jacobians: 0, factorisations: 0 },
      reverse: { evaluations: 1, jacobians: 1, factorisations: 1 },
      extend: 0,
    },
    record: (attrs, problem) => ({
      step: recordBdf(shape, coefficients, attrs),
      extend: recordPolynomial(polynomial, problem),
      dense: recordPolynomialValue(polynomial, problem),
    }),
  };
}
