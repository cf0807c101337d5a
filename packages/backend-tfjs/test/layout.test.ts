// Shapes made simpler must still mean the same elements in the same order.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mergePermutation, mergeRuns } from '../src/index.ts';

/** Elements 0, 1, 2 … of a block of `shape`, in the order in which a transpose gives them. */
function transposedOrder(shape: readonly number[], perm: readonly number[]): number[] {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  let order = [0];
  for (const axis of perm) {
    order = order.flatMap((at) =>
      Array.from({ length: shape[axis] }, (_, i) => at + i * strides[axis]),
    );
  }
  return order;
}

const shapes = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 6 });

it('a merged permutation moves every element to the same place', () => {
  fc.assert(
    fc.property(
      shapes.chain((shape) =>
        fc.tuple(
          fc.constant(shape),
          fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
        ),
      ),
      ([shape, perm]) => {
        const merged = mergePermutation(shape, perm);
        expect(merged.shape).not.toContain(1);
        expect(transposedOrder(merged.shape, merged.perm)).toEqual(transposedOrder(shape, perm));
      },
    ),
  );
});

it('runs of axes keep the element count, and no two neighbours are alike', () => {
  fc.assert(
    fc.property(shapes, fc.array(fc.boolean(), { minLength: 6 }), (shape, flags) => {
      const { extents, marked } = mergeRuns(shape, (axis) => flags[axis]);
      expect(extents.reduce((a, b) => a * b, 1)).toBe(shape.reduce((a, b) => a * b, 1));
      expect(marked.every((mark, run) => run === 0 || mark !== marked[run - 1])).toBe(true);
    }),
  );
});
