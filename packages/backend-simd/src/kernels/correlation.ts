/**
 * The sum over a window of pictures times filters, at each place of it: what a convolution is, and, with filters turned
 * round, its derivative with respect to pictures.
 *
 * Places are the rows of a matrix product, filters its columns, and elements of the window with their channels what is
 * summed over; but no pixel is copied for each element that meets it (`im2col`): rows are read where they lie, in a picture
 * with its zeros around it. Filters come as panels, so that a tile reads them side by side.
 */
import type { FloatDType } from '@neuralode/tensor';
import { Lanes } from '../vector/lanes.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { bytesOf, loadLanes, loadSplat } from './elements.ts';
import { collapse, nest, offset, pointer } from './nest.ts';
import { type Framed, framePicture, framedExtents, isFramed } from './picture-frame.ts';
import {
  addProducts,
  beginSums,
  rowsByVectors,
  storeRows,
  tiles,
  vectorsOf,
  vectorsPerTile,
  wholeTiles,
} from './tile.ts';

/** How places of the window follow each other along one axis. */
export interface CorrelationAxis {
  readonly places: number;
  /** Where the first place stands in the result, and pixels of it from each to the next. */
  readonly to: number;
  readonly toStep: number;
  /** The same in the framed picture, of the pixel under the window's first element. */
  readonly from: number;
  readonly fromStep: number;
  readonly elements: number;
  /** Pixels from one element of the window to the next. */
  readonly spacing: number;
}

/** Parameters of the function: the addresses of pictures, panels, result, and, where pictures are framed, scratch of zeros. */
export interface CorrelationKernel extends Framed {
  readonly kind: 'correlation';
  readonly outputs: number;
  /** Rows and columns of the result. */
  readonly result: readonly [number, number];
  readonly axes: readonly [CorrelationAxis, CorrelationAxis];
}

/** Filters in one panel, but for the last one: as many as a tile is wide. */
export function panelWidth(dtype: FloatDType): number {
  return (16 / bytesOf(dtype)) * vectorsPerTile;
}

/** Filters that lie beside each other in the last panel: whole vectors. */
export function lastPanelWidth(dtype: FloatDType, outputs: number): number {
  const lanes = 16 / bytesOf(dtype);
  return Math.ceil((outputs % panelWidth(dtype)) / lanes) * lanes;
}

export function correlationFunction(kernel: CorrelationKernel, fused: boolean): FunctionWriter {
  const { dtype, batch, picture, channels, outputs, result } = kernel;
  const framed = isFramed(kernel);
  const f = new FunctionWriter(new Array(framed ? 4 : 3).fill('i32'));
  const size = bytesOf(dtype);
  const source = pointer(f, 0, [picture[0] * picture[1] * channels * size]);
  const target = pointer(f, 2, [result[0] * result[1] * outputs * size]);
  const writer = new CorrelationWriter(f, kernel, new Lanes(f, dtype, fused));
  nest(f, [batch], [source, target], () => {
    if (framed) framePicture(f, kernel, source.local, 3);
    writer.picture(framed ? 3 : source.local, target.local);
  });
  return f;
}

class CorrelationWriter {
  readonly #f: FunctionWriter;
  readonly #kernel: CorrelationKernel;
  readonly #v: Lanes;
  readonly #size: number;

  constructor(f: FunctionWriter, kernel: CorrelationKernel, v: Lanes) {
    this.#f = f;
    this.#kernel = kernel;
    this.#v = v;
    this.#size = bytesOf(kernel.dtype);
  }

  /** All places of one picture. */
  picture(source: number, target: number): void {
    const f = this.#f;
    const { axes, channels, outputs, dtype } = this.#kernel;
    const terms = axes[0].elements * axes[1].elements * channels;
    const panel = f.let('i32', () => f.get(1));
    tiles(f, outputs, panelWidth(dtype), (output, count) => {
      const to = offset(f, target, output, this.#size);
      const vectors = vectorsOf(count, this.#v.count);
      this.#panel(source, panel, to, vectors);
      f.advance(panel, terms * vectors.length * 16);
    });
  }

  /** All places, for the filters of one panel. */
  #panel(source: number, panel: number, target: number, vectors: readonly number[]): void {
    const f = this.#f;
    const [down, across] = this.#kernel.axes;
    const places = down.places * across.places;
    const rows = Math.min(places, rowsByVectors[vectors.length]);
    wholeTiles(f, places, rows, (first) => {
      const located = Array.from({ length: rows }, (_, row) =>
        this.#place(source, target, first, row),
      );
      this.#tile(located, panel, vectors);
    });
  }

  /** Addresses of place `first` + `row` in the framed picture and in the result. */
  #place(source: number, target: number, first: number, row: number): { from: number; to: number } {
    const f = this.#f;
    const { axes, channels, outputs, result } = this.#kernel;
    const [down, across] = axes;
    const [, width] = framedExtents(this.#kernel);
    const at = f.let('i32', () => f.address(first, row));
    const quotient = f.let('i32', () => {
      f.get(at);
      f.i32(across.places);
      f.op(0x6e);
    });
    const remainder = f.let('i32', () => {
      f.get(at);
      f.get(quotient);
      f.i32(across.places);
      f.op(0x6c, 0x6b);
    });
    const address = (base: number, start: number, line: number, step: number): number =>
      f.let('i32', () => {
        f.address(base, start * this.#size);
        f.get(quotient);
        f.i32(line * this.#size);
        f.op(0x6c, 0x6a);
        f.get(remainder);
        f.i32(step * this.#size);
        f.op(0x6c, 0x6a);
      });
    return {
      from: address(
        source,
        (down.from * width + across.from) * channels,
        down.fromStep * width * channels,
        across.fromStep * channels,
      ),
      to: address(
        target,
        (down.to * result[1] + across.to) * outputs,
        down.toStep * result[1] * outputs,
        across.toStep * outputs,
      ),
    };
  }

  #tile(
    places: readonly { from: number; to: number }[],
    panel: number,
    vectors: readonly number[],
  ): void {
    const f = this.#f;
    const { dtype, axes, channels } = this.#kernel;
    const lanes = this.#v.count;
    const [, width] = framedExtents(this.#kernel);
    const sums = beginSums(f, places.length, vectors.length, () => this.#v.splat(0));
    const [down, across] = axes;
    const own = across.elements * channels;
    const flat = collapse(
      [down.elements, across.elements, channels],
      [
        [down.spacing * width * channels, across.spacing * channels, 1],
        [own, channels, 1],
      ],
    );
    const bytes = (list: readonly number[], by: number): number[] => list.map((step) => step * by);
    const scalars = places.map(({ from }) => pointer(f, from, bytes(flat.strides[0], this.#size)));
    const filters = pointer(f, panel, bytes(flat.strides[1], vectors.length * 16));
    nest(f, flat.extents, [...scalars, filters], () =>
      addProducts(
        f,
        this.#v,
        sums,
        (row) => loadSplat(f, dtype, lanes, scalars[row].local),
        (vector) => loadLanes(f, dtype, lanes, lanes, filters.local, vector * 16),
      ),
    );
    storeRows(this.#v, sums, vectors, (row) => [places[row].to, 0]);
  }
}
