/**
 * Attributes of the primitives that have any. Axes are normal: counted from the front, sorted.
 */
import type { DType } from '../dtype.ts';

export interface FillAttrs {
  readonly value: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
}
export interface CastAttrs {
  readonly dtype: DType;
}
export interface ShapeAttrs {
  readonly shape: readonly number[];
}
export interface AxesAttrs {
  readonly axes: readonly number[];
}
export interface AxisAttrs {
  readonly axis: number;
}
export interface TransposeAttrs {
  /** Output axis i is input axis `perm[i]`. */
  readonly perm: readonly number[];
}
export interface SliceAttrs {
  readonly begin: readonly number[];
  readonly size: readonly number[];
}
export interface PadAttrs {
  /** Zeros before and after, along every axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}
export interface ScatterAttrs {
  readonly axis: number;
  /** Extent of the output along `axis`. */
  readonly size: number;
}
export interface WeightsAttrs {
  readonly weights: readonly number[];
}

/** Of a pair of numbers along the rows and the columns of a picture: the first is that of the rows. */
export type PerAxis<T> = readonly [rows: T, columns: T];

/** How the window of a convolution moves over pictures. */
export interface ConvolutionAttrs {
  /** Pixels from one place of the window to the next. */
  readonly strides: PerAxis<number>;
  /** Zeros put before and after. */
  readonly padding: PerAxis<readonly [before: number, after: number]>;
  /** Pixels from one element of the window to the next: 1 where they are neighbours. */
  readonly dilations: PerAxis<number>;
}
export interface ConvolutionInputAttrs extends ConvolutionAttrs {
  /** Extents of the pictures that were convolved. */
  readonly picture: PerAxis<number>;
}
export interface ConvolutionFilterAttrs extends ConvolutionAttrs {
  /** Extents of the window. */
  readonly window: PerAxis<number>;
}
