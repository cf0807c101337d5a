/** A picture with zeros around it, put together in scratch: so that a window may stand over the rim without being asked. */
import type { FloatDType } from '@neuralode/tensor';
import type { FunctionWriter } from '../wasm/function-writer.ts';
import { copyGrid } from './copy.ts';

/** Pictures, and how many zeros there are before and after their rows, and before and after their columns. */
export interface Framed {
  readonly dtype: FloatDType;
  readonly batch: number;
  /** Rows and columns. */
  readonly picture: readonly [number, number];
  readonly channels: number;
  readonly frame: readonly [readonly [number, number], readonly [number, number]];
}

export function isFramed({ frame }: Framed): boolean {
  return frame.flat().some((count) => count > 0);
}

/** Rows and columns of a picture with its frame. */
export function framedExtents({ picture, frame }: Framed): readonly [number, number] {
  return [picture[0] + frame[0][0] + frame[0][1], picture[1] + frame[1][0] + frame[1][1]];
}

/** Copies a picture to its place inside the frame; what is around it is zero from before. */
export function framePicture(f: FunctionWriter, framed: Framed, from: number, to: number): void {
  const { dtype, picture, channels, frame } = framed;
  const [, width] = framedExtents(framed);
  const grid = {
    dtype,
    shape: [...picture, channels],
    fromStrides: [picture[1] * channels, channels, 1],
    toStrides: [width * channels, channels, 1],
    fromStart: 0,
    toStart: (frame[0][0] * width + frame[1][0]) * channels,
  };
  copyGrid(f, grid, from, to);
}
