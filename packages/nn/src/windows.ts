/** What lies under each element of a window that moves over pictures, as slices: what pooling is made of. */
import { ShapeError, showShape, type Tensor } from '@neuralode/tensor';

/** For each place in the window, row by row, what lies there as the window moves: each [N, H', W', C]. */
export function windows(
  x: Tensor,
  [kh, kw]: readonly [number, number],
  stride: number,
  what: string,
): [Tensor, ...Tensor[]] {
  const [, height, width] = requirePictures(x, what);
  const extent = (size: number, window: number): number => Math.floor((size - window) / stride) + 1;
  const [rows, columns] = [extent(height, kh), extent(width, kw)];
  if (rows < 1 || columns < 1) {
    throw new ShapeError({
      what: `${what}: the window does not fit into the picture`,
      got: `${kh} × ${kw} on ${height} × ${width}`,
      expected: 'a picture at least as large as the window',
    });
  }
  const phases = splitPhases(x, [kh, kw], [rows, columns], stride);
  const places = Array.from({ length: kh * kw }, (_, k) =>
    phases(Math.floor(k / kw), k % kw, rows, columns),
  );
  return places as [Tensor, ...Tensor[]];
}

/** Pictures as [N, H, W, C], or a `ShapeError`. */
export function requirePictures(x: Tensor, what: string): [number, number, number, number] {
  if (x.rank === 4) return x.shape as unknown as [number, number, number, number];
  throw new ShapeError({
    what: `${what}: the input is no batch of pictures`,
    got: showShape(x.shape),
    expected: '[batch, height, width, channels]',
  });
}

type Phases = (i: number, j: number, rows: number, columns: number) => Tensor;

/**
 * Every `stride`-th pixel from (i, j) on, as a slice without gaps: rows and columns are padded (or cut) to whole
 * strides and split into [H / stride, stride], so that the phase is an axis of its own.
 */
function splitPhases(
  x: Tensor,
  [kh, kw]: readonly [number, number],
  [rows, columns]: readonly [number, number],
  stride: number,
): Phases {
  const [count, height, width, channels] = x.shape as [number, number, number, number];
  const whole = (extent: number, window: number): number =>
    (extent + Math.ceil(window / stride) - 1) * stride;
  const [tall, wide] = [whole(rows, kh), whole(columns, kw)];
  const after = [Math.max(0, tall - height), Math.max(0, wide - width)];
  const padded = after.some((extra) => extra > 0)
    ? x.pad([0, 0, 0, 0], [0, after[0]!, after[1]!, 0])
    : x;
  if (stride === 1) return (i, j, h, w) => padded.slice([0, i, j, 0], [count, h, w, channels]);
  const isCut = padded.shape[1] !== tall || padded.shape[2] !== wide;
  const split = (
    isCut ? padded.slice([0, 0, 0, 0], [count, tall, wide, channels]) : padded
  ).reshape([count, tall / stride, stride, wide / stride, stride, channels]);
  return (i, j, h, w) =>
    split
      .slice(
        [0, Math.floor(i / stride), i % stride, Math.floor(j / stride), j % stride, 0],
        [count, h, 1, w, 1, channels],
      )
      .reshape([count, h, w, channels]);
}
