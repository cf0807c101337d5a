/**
 * The primitives that make, convert and weigh: constants, casts, fixed sums.
 */
import { ArgumentError, ShapeError, showShape } from '../errors.ts';
import type { Primitive } from '../primitive.ts';
import { sameShape } from '../shape.ts';
import type { CastAttrs, FillAttrs, WeightsAttrs } from './attrs.ts';
import { requireFloat, requireSameDType } from './checks.ts';

/** No inputs: a tensor of one repeated number. */
export const fill: Primitive<FillAttrs> = {
  name: 'fill',
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
};

/** To another dtype; float to int32 drops the fraction (towards zero); to bool is "not zero". */
export const cast: Primitive<CastAttrs> = {
  name: 'cast',
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
};

/** The same values, a constant to derivatives. */
export const stopGradient: Primitive<undefined> = {
  name: 'stopGradient',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
};

/** Σ wᵢ xᵢ of equally shaped inputs with fixed weights: what a Runge-Kutta stage is made of. */
export const linearCombination: Primitive<WeightsAttrs> = {
  name: 'linearCombination',
  infer(inputs, { weights }) {
    const [first] = inputs;
    if (inputs.length === 0 || inputs.length !== weights.length) {
      throw new ArgumentError({
        what: 'linearCombination: needs one weight for each input, at least one',
        got: `${inputs.length} inputs and ${weights.length} weights`,
      });
    }
    for (const input of inputs) {
      requireSameDType(first, input, 'linearCombination');
      requireFloat(input, 'linearCombination');
      if (!sameShape(input.shape, first.shape)) {
        throw new ShapeError({
          what: 'linearCombination: shapes differ',
          got: `${showShape(first.shape)} and ${showShape(input.shape)}`,
        });
      }
    }
    return [{ shape: first.shape, dtype: first.dtype }];
  },
};
