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
