/**
 * Convolution of pictures: the three partial derivatives of one form that is linear in each of pictures x, filters w and
 * a weight dy for each element of the result,
 *
 *     F(dy, x, w) = Σ dy[n, r, c, k] · x[n, r·stride + i·dilation − before, c·… + j·… − …, channel] · w[i, j, channel, k],
 *
 * with zeros where x is read outside of its extents. So the derivatives of each are the other two, to any order, and
 * none needs a flipped filter or a transpose (Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep
 * learning", chapters 2 and 4).
 */
import type { Spec } from '../dtype.ts';
import { ArgumentError, ShapeError, showShape } from '../errors.ts';
import type { Primitive } from '../primitive.ts';
import type {
  ConvolutionAttrs,
  ConvolutionFilterAttrs,
  ConvolutionInputAttrs,
  PerAxis,
} from './attrs.ts';
import { requireFloat, requireSameDType } from './checks.ts';

/**
 * ∂F/∂dy: what deep learning calls convolution, in signal processing a cross-correlation. Pictures [N, H, W, C] and
 * filters [window rows, window columns, C, K] give [N, H′, W′, K].
 */
export const conv2d: Primitive<ConvolutionAttrs> = {
  name: 'conv2d',
  infer([x, w], attrs) {
    requireOperands(x, w, 'conv2d', '[N, H, W, C] and [window rows, window columns, C, K]');
    requireSame(x.shape[3], w.shape[2], 'conv2d: pictures and filters differ in channels');
    const [height, width] = placesOf(pair(x.shape, 1), pair(w.shape, 0), attrs, 'conv2d');
    return [{ shape: [x.shape[0], height, width, w.shape[3]], dtype: x.dtype }];
  },
};

/**
 * ∂F/∂x: what a change of each pixel changes, each element of the result counted by its weight (a transposed
 * convolution). Weights [N, H′, W′, K] and filters [window rows, window columns, C, K] give [N, H, W, C].
 */
export const conv2dInput: Primitive<ConvolutionInputAttrs> = {
  name: 'conv2dInput',
  infer([dy, w], attrs) {
    const what = 'conv2dInput';
    requireOperands(dy, w, what, "[N, H', W', K] and [window rows, window columns, C, K]");
    requireSame(dy.shape[3], w.shape[3], `${what}: weights and filters differ in channels`);
    requirePlaces(dy, attrs.picture, pair(w.shape, 0), attrs, what);
    return [{ shape: [dy.shape[0], ...attrs.picture, w.shape[2]], dtype: dy.dtype }];
  },
};

/** ∂F/∂w: the same for the filters. Pictures [N, H, W, C] and weights [N, H′, W′, K] give [rows, columns, C, K]. */
export const conv2dFilter: Primitive<ConvolutionFilterAttrs> = {
  name: 'conv2dFilter',
  infer([x, dy], attrs) {
    const what = 'conv2dFilter';
    requireOperands(x, dy, what, "[N, H, W, C] and [N, H', W', K]");
    requireSame(x.shape[0], dy.shape[0], `${what}: as many weights as pictures are needed`);
    requirePlaces(dy, pair(x.shape, 1), attrs.window, attrs, what);
    return [{ shape: [...attrs.window, x.shape[3], dy.shape[3]], dtype: x.dtype }];
  },
};

function pair(shape: readonly number[], first: number): PerAxis<number> {
  return [shape[first], shape[first + 1]];
}

function requireOperands(a: Spec, b: Spec, what: string, expected: string): void {
  requireSameDType(a, b, what);
  requireFloat(a, what);
  if (a.shape.length === 4 && b.shape.length === 4) return;
  throw new ShapeError({
    what: `${what}: needs two operands of rank 4`,
    got: `${showShape(a.shape)} and ${showShape(b.shape)}`,
    expected,
    remedy: 'Give pictures a batch axis first and a channel axis last, with expandDims or reshape',
  });
}

function requireSame(a: number, b: number, what: string): void {
  if (a !== b) throw new ShapeError({ what, got: `${a} and ${b}` });
}

function requirePlaces(
  dy: Spec,
  picture: PerAxis<number>,
  window: PerAxis<number>,
  attrs: ConvolutionAttrs,
  what: string,
): void {
  const places = placesOf(picture, window, attrs, what);
  if (places[0] === dy.shape[1] && places[1] === dy.shape[2]) return;
  throw new ShapeError({
    what: `${what}: there is not one weight for each place of the window`,
    got: showShape(dy.shape),
    expected: `[N, ${places[0]}, ${places[1]}, K]`,
  });
}

/** How many places the window has along each axis: ⌊(extent + padding − reach) / stride⌋ + 1, at least one. */
function placesOf(
  picture: PerAxis<number>,
  window: PerAxis<number>,
  attrs: ConvolutionAttrs,
  what: string,
): PerAxis<number> {
  requireMoves(attrs, what);
  requireCounts(picture, 0, `${what}: extents of the picture`);
  requireCounts(window, 1, `${what}: extents of the window`);
  const along = (axis: 0 | 1): number => {
    const [before, after] = attrs.padding[axis];
    const reach = (window[axis] - 1) * attrs.dilations[axis] + 1;
    return Math.floor((picture[axis] + before + after - reach) / attrs.strides[axis]) + 1;
  };
  const places: PerAxis<number> = [along(0), along(1)];
  if (places.every((count) => count >= 1)) return places;
  const { padding, dilations } = attrs;
  throw new ShapeError({
    what: `${what}: the window does not fit into the picture`,
    got:
      `a window of ${window.join(' × ')} on a picture of ${picture.join(' × ')}, ` +
      `padding ${JSON.stringify(padding)}, dilations ${showShape(dilations)}`,
    expected: 'a picture that is, with its padding, as large as the reach of the window',
    remedy: "Pad the picture ({ padding: 'same' }), or take a smaller window or dilation",
  });
}

function requireMoves({ strides, padding, dilations }: ConvolutionAttrs, what: string): void {
  requireCounts(strides, 1, `${what}: strides`);
  requireCounts(dilations, 1, `${what}: dilations`);
  if (isPair(padding) && padding.every((side) => areCounts(side, 0))) return;
  throw new ArgumentError({
    what: `${what}: padding`,
    got: JSON.stringify(padding),
    expected: 'whole numbers ≥ 0, [[top, bottom], [left, right]]',
  });
}

const isPair = (list: unknown): boolean => Array.isArray(list) && list.length === 2;

const areCounts = (list: PerAxis<number>, least: number): boolean =>
  isPair(list) && list.every((count) => Number.isSafeInteger(count) && count >= least);

function requireCounts(list: PerAxis<number>, least: number, what: string): void {
  if (areCounts(list, least)) return;
  throw new ArgumentError({
    what,
    got: JSON.stringify(list),
    expected: `a whole number ≥ ${least} along rows and along columns`,
  });
}
