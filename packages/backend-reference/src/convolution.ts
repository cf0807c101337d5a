/** Convolution of pictures and its two derivatives: sums over places of a window, in float64. */
import {
  type ConvolutionAttrs,
  type ConvolutionFilterAttrs,
  type ConvolutionInputAttrs,
  type HostArray,
  sizeOf,
} from '@neuralode/tensor';
import type { Kernel } from './kernel.ts';

/** Where in the picture (or in the result) the elements of the window meet one place: along one axis. */
interface Meeting {
  readonly element: number;
  readonly at: number;
}

/** Which pixels the window covers, by its elements, at each of `places`. */
function coveredBy(
  places: number,
  window: number,
  extent: number,
  axis: 0 | 1,
  { strides, padding, dilations }: ConvolutionAttrs,
): Meeting[][] {
  return Array.from({ length: places }, (_, place) =>
    Array.from({ length: window }, (_, element) => ({
      element,
      at: place * strides[axis] + element * dilations[axis] - padding[axis][0],
    })).filter(({ at }) => at >= 0 && at < extent),
  );
}

/** The same from the pixels' side: at which places, by which element, the window covers each of `extent` pixels. */
function coverings(covered: readonly Meeting[][], extent: number): Meeting[][] {
  const found: Meeting[][] = Array.from({ length: extent }, () => []);
  covered.forEach((meetings, place) => {
    for (const { element, at } of meetings) found[at].push({ element, at: place });
  });
  return found;
}

/** `row` += the row vector at `start` of x, as long as w has channels, times the matrix [channels, row] at `from` of w. */
function addProduct(
  row: Float64Array,
  x: HostArray,
  start: number,
  channels: number,
  w: HostArray,
  from: number,
): void {
  const n = row.length;
  for (let channel = 0; channel < channels; channel++) {
    // no short cut for zero: zero times NaN is NaN
    const factor = x[start + channel];
    const begin = from + channel * n;
    for (let k = 0; k < n; k++) row[k] += factor * w[begin + k];
  }
}

const conv2d: Kernel = ([x, w], attrs: ConvolutionAttrs, out) => {
  const [batch, height, width, channels] = x.shape;
  const [windowRows, windowColumns] = w.shape;
  const [, rows, columns, outputs] = out.shape;
  const vertical = coveredBy(rows, windowRows, height, 0, attrs);
  const horizontal = coveredBy(columns, windowColumns, width, 1, attrs);
  const sums = new Float64Array(outputs);
  let to = 0;
  for (let n = 0; n < batch; n++) {
    for (const down of vertical) {
      for (const across of horizontal) {
        sums.fill(0);
        for (const i of down) {
          for (const j of across) {
            const from = ((n * height + i.at) * width + j.at) * channels;
            const filter = (i.element * windowColumns + j.element) * channels * outputs;
            addProduct(sums, x.data, from, channels, w.data, filter);
          }
        }
        out.data.set(sums, to);
        to += outputs;
      }
    }
  }
};

/** `row`[c] += Σ_k x[start + k] · w[from + c · terms + k]. */
function addTransposed(
  row: Float64Array,
  x: HostArray,
  start: number,
  terms: number,
  w: HostArray,
  from: number,
): void {
  for (let channel = 0; channel < row.length; channel++) {
    const begin = from + channel * terms;
    let total = 0;
    for (let k = 0; k < terms; k++) total += x[start + k] * w[begin + k];
    row[channel] += total;
  }
}

const conv2dInput: Kernel = ([dy, w], attrs: ConvolutionInputAttrs, out) => {
  const [batch, rows, columns, outputs] = dy.shape;
  const [windowRows, windowColumns, channels] = w.shape;
  const [, height, width] = out.shape;
  const vertical = coverings(coveredBy(rows, windowRows, height, 0, attrs), height);
  const horizontal = coverings(coveredBy(columns, windowColumns, width, 1, attrs), width);
  const sums = new Float64Array(channels);
  let to = 0;
  for (let n = 0; n < batch; n++) {
    for (const down of vertical) {
      for (const across of horizontal) {
        sums.fill(0);
        for (const i of down) {
          for (const j of across) {
            const from = ((n * rows + i.at) * columns + j.at) * outputs;
            const filter = (i.element * windowColumns + j.element) * channels * outputs;
            addTransposed(sums, dy.data, from, outputs, w.data, filter);
          }
        }
        out.data.set(sums, to);
        to += channels;
      }
    }
  }
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
  const [windowRows, windowColumns] = attrs.window;
  const vertical = coveredBy(rows, windowRows, height, 0, attrs);
  const horizontal = coveredBy(columns, windowColumns, width, 1, attrs);
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
