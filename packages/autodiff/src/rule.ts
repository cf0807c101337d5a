/**
 * Ways to write a derivative rule once and have it serve both modes: by partial derivatives (elementwise primitives),
 * by what each input contributes (primitives linear in every input), or not at all.
 */
import { apply, type DerivativeRule, type Primitive, type Tensor } from '@neuralode/tensor';

/** Σ of the terms that are not identically zero. */
export function sumOf(terms: readonly (Tensor | null)[]): Tensor | null {
  return terms.reduce(
    (total, term) => (total === null ? term : term === null ? total : total.add(term)),
    null,
  );
}

/** Sums a cotangent over the axes along which its operand was broadcast. */
export function unbroadcast(cotangent: Tensor, shape: readonly number[]): Tensor {
  const added = cotangent.rank - shape.length;
  const axes = cotangent.shape.flatMap((extent, axis) =>
    axis < added || (shape[axis - added] === 1 && extent !== 1) ? [axis] : [],
  );
  return axes.length === 0 ? cotangent : cotangent.sum(axes).reshape(shape);
}

/** A partial derivative ∂output/∂inputᵢ: a tensor, or a constant. */
export type Partial = Tensor | number;

function scale(direction: Tensor, partial: Partial): Tensor {
  if (partial === 1) return direction;
  if (partial === -1) return direction.neg();
  return direction.mul(partial);
}

/** The rule of an elementwise (broadcasting) primitive, by its partial derivatives, one a differentiable input. */
export function elementwise(
  primitive: Primitive,
  ...partials: readonly ((inputs: readonly Tensor[], output: Tensor) => Partial)[]
): DerivativeRule {
  return {
    jvp(inputs, tangents, attrs) {
      const outputs = apply(primitive, inputs, attrs);
      const terms = tangents.map((tangent, i) => {
        if (tangent === null) return null;
        const term = scale(tangent, partials[i](inputs, outputs[0]));
        // With a constant partial the term still has the operand's own shape.
        return term.shape.length === outputs[0].shape.length && term.size === outputs[0].size
          ? term
          : term.broadcastTo(outputs[0].shape);
      });
      return { outputs, tangents: [sumOf(terms)] };
    },
    vjp(inputs, attrs, needs) {
      const outputs = apply(primitive, inputs, attrs);
      return {
        outputs,
        pullback: ([cotangent]) =>
          inputs.map((input, i) => {
            if (cotangent === null || !needs[i]) return null;
            return unbroadcast(scale(cotangent, partials[i](inputs, outputs[0])), input.shape);
          }),
      };
    },
  };
}

/** A primitive that is linear in each of its inputs, the others held fixed. */
export interface LinearRule<Attrs> {
  /** What a change of input i alone does to the output: linear in `tangent`. */
  push(tangent: Tensor, i: number, inputs: readonly Tensor[], attrs: Attrs): Tensor;
  /** Its transpose: the cotangent of input i, given the output's. */
  pull(cotangent: Tensor, i: number, inputs: readonly Tensor[], attrs: Attrs): Tensor;
}

/** The rule of a (multi)linear primitive. */
export function linear<Attrs>(
  primitive: Primitive<Attrs>,
  rule: LinearRule<Attrs>,
): DerivativeRule {
  return {
    jvp(inputs, tangents, attrs) {
      const terms = tangents.map((tangent, i) =>
        tangent === null ? null : rule.push(tangent, i, inputs, attrs as Attrs),
      );
      return { outputs: apply(primitive, inputs, attrs), tangents: [sumOf(terms)] };
    },
    vjp(inputs, attrs, needs) {
      return {
        outputs: apply(primitive, inputs, attrs),
        pullback: ([cotangent]) =>
          inputs.map((_, i) =>
            cotangent === null || !needs[i]
              ? null
              : rule.pull(cotangent, i, inputs, attrs as Attrs),
          ),
      };
    },
  };
}

/** The primitives whose derivative is zero wherever there is one; their outputs count as constants. */
export const constants = new Set([
  'sign',
  'floor',
  'equal',
  'less',
  'lessEqual',
  'logicalAnd',
  'logicalOr',
  'logicalNot',
  'argMax',
  'fill',
  'stopGradient',
]);

/** `1 − x`, which half the rules need. */
export function oneMinus(x: Tensor): Tensor {
  return x.neg().add(1);
}
