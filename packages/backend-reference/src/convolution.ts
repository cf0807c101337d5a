/** Convolution of pictures and its two derivatives: sums over places of a window, in float64. */
import {
  type ConvolutionAttrs,
  type ConvolutionFilterAttrs,
  type ConvolutionInputAttrs,
  type HostArray,
  sizeOf,
} from '@neuralode/tensor';
import type { Block, Kernel } from './kernel.ts';

/** Where in the picture (or in the result) the elements of the window meet one place: along one axis. */
interface Meeting {
  readonly element: number;
  readonly at: number;
}

/** For each place along one axis. */
type Meetings = readonly (readonly Meeting[])[];

/** Which pixels the window covers, by its elements, at each of `places`. */
function coveredAlong(
  axis: 0 | 1,
  places: number,
  window: number,
  extent: number,
  { strides, padding, dilations }: ConvolutionAttrs,
): Meetings {
  return Array.from({ length: places }, (_, place) =>
    Array.from({ length: window }, (_, element) => ({
      element,
      at: place * strides[axis] + element * dilations[axis] - padding[axis][0],
    })).filter(({ at }) => at >= 0 && at < extent),
  );
}

/** The same along both axes, for a window [rows, columns, …], places and pictures [N, H, W, …]. */
function coveredBy(
  window: readonly number[],
  places: readonly number[],
  pictures: readonly number[],
  attrs: ConvolutionAttrs,
): [vertical: Meetings, horizontal: Meetings] {
  const along = (axis: 0 | 1): Meetings =>
    coveredAlong(axis, places[1 + axis], window[axis], pictures[1 + axis], attrs);
  return [along(0), along(1)];
}

/** The same from the pixels' side: at which places, by which element, the window covers each of `extent` pixels. */
function coverings(covered: Meetings, extent: number): Meetings {
  const found: Meeting[][] = Array.from({ length: extent }, () => []);
  covered.forEach((meetings, place) => {
    for (const { element, at } of meetings) found[at].push({ element, at: place });
  });
  return found;
}

/** `row` += what a vector of x, `terms` elements from `start` on, gives with the matrix at `from` of w. */
type Add = (
  row: Float64Array,
  x: HostArray,
  start: number,
  terms: number,
  w: HostArray,
  from: number,
) => void;

/** `row` += the row vector times the matrix [terms, row]. */
const addProduct: Add = (row, x, start, terms, w, from) => {
  const n = row.length;
  for (let term = 0; term < terms; term++) {
    // no short cut for zero: zero times NaN is NaN
    const factor = x[start + term];
    const begin = from + term * n;
    for (let k = 0; k < n; k++) row[k] += factor * w[begin + k];
  }
};

/** `row` += the matrix [row, terms] times the column vector. */
const addTransposed: Add = (row, x, start, terms, w, from) => {
  for (let channel = 0; channel < row.length; channel++) {
    const begin = from + channel * terms;
    let total = 0;
    for (let k = 0; k < terms; k++) total += x[start + k] * w[begin + k];
    row[channel] += total;
  }
};

/** Each place of `out` is the sum of what `add` adds for each place of x, and each element of the window, that meet there. */
function sumMeetings(
  add: Add,
  x: Block,
  w: Block,
  [vertical, horizontal]: readonly [Meetings, Meetings],
  out: Block,
): void {
  const [batch, height, width, terms] = x.shape;
  const [, windowColumns] = w.shape;
  const sums = new Float64Array(out.shape[3]);
  const each = terms * sums.length;
  let to = 0;
  for (let n = 0; n < batch; n++) {
    for (const down of vertical) {
      for (const across of horizontal) {
        sums.fill(0);
        for (const i of down) {
          for (const j of across) {
            const start = ((n * height + i.at) * width + j.at) * terms;
            const from = (i.element * windowColumns + j.element) * each;
            add(sums, x.data, start, terms, w.data, from);
          }
        }
        out.data.set(sums, to);
        to += sums.length;
      }
    }
  }
}

const conv2d: Kernel = ([x, w], attrs: ConvolutionAttrs, out) => {
  sumMeetings(addProduct, x, w, coveredBy(w.shape, out.shape, x.shape, attrs), out);
};

const conv2dInput: Kernel = ([dy, w], attrs: ConvolutionInputAttrs, out) => {
  const [, height, width] = out.shape;
  const [vertical, horizontal] = coveredBy(w.shape, dy.shape, out.shape, attrs);
  const meetings = [coverings(vertical, height), coverings(horizontal, width)] as const;
  sumMeetings(addTransposed, dy, w, meetings, out);
};

/** `sums`, from `at` on, += the outer product of `channels` elements of x and `outputs` elements of dy. */
function addOuter(
  sums: Float64Array,
  at: number,
  x: HostArray,
  xStart: number,
  channels: number,
  dy: HostArray,
  dyStart: number,
  outputs: number,
): void {
  for (let channel = 0; channel < channels; channel++) {
    const factor = x[xStart + channel];
    const begin = at + channel * outputs;
    for (let k = 0; k < outputs; k++) sums[begin + k] += factor * dy[dyStart + k];
  }
}

const conv2dFilter: Kernel = ([x, dy], attrs: ConvolutionFilterAttrs, out) => {
  const [batch, height, width, channels] = x.shape;
  const [, rows, columns, outputs] = dy.shape;
  const [, windowColumns] = attrs.window;
  const [vertical, horizontal] = coveredBy(attrs.window, dy.shape, x.shape, attrs);
  const sums = new Float64Array(sizeOf(out.shape));
  const each = channels * outputs;
  for (let n = 0; n < batch; n++) {
    vertical.forEach((down, row) => {
      horizontal.forEach((across, column) => {
        const weight = ((n * rows + row) * columns + column) * outputs;
        for (const i of down) {
          for (const j of across) {
            const from = ((n * height + i.at) * width + j.at) * channels;
            const at = (i.element * windowColumns + j.element) * each;
            addOuter(sums, at, x.data, from, channels, dy.data, weight, outputs);
          }
        }
      });
    });
  }
  out.data.set(sums);
};

export const convolutionKernels: Record<string, Kernel> = { conv2d, conv2dInput, conv2dFilter };
