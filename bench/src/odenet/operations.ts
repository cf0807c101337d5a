/**
 * Floating-point operations of the network's convolutions, a multiply-add being two: those of dense loops, what falls on
 * the zeros around a picture included. The part of the time channel, one small picture for a whole batch, is left out.
 */
import type { Gradient } from '../training/measure.ts';
import { channels, fullSide, halfSide, stateSide } from './problem.ts';

/** What a gradient did, as counted. */
export interface Evaluations {
  readonly nfeForward: number;
  readonly nfeBackward: number;
}

function convolution(batch: number, side: number, kernel: number, inputs: number): number {
  return 2 * batch * side ** 2 * kernel ** 2 * inputs * channels;
}

/** Both convolutions of one evaluation of the field. */
export function evaluationOperations(batch: number): number {
  return 2 * convolution(batch, stateSide, 3, channels);
}

/** The larger of the two convolutions that halve a picture. */
export function halvingOperations(batch: number): number {
  return convolution(batch, halfSide, 4, channels);
}

/**
 * The three convolutions before the block, there and back: a gradient takes as many operations by the input and as many by
 * the filter, and that of the pictures is not asked for.
 */
function outsideOperations(batch: number): number {
  const first = convolution(batch, fullSide, 3, 1);
  return 2 * first + 3 * (halvingOperations(batch) + convolution(batch, stateSide, 4, channels));
}

/** A whole training step: `direct` keeps what it needs of each evaluation, `backsolve` evaluates the field again. */
export function stepOperations(
  batch: number,
  gradient: Gradient,
  { nfeForward, nfeBackward }: Evaluations,
): number {
  const backward = gradient === 'direct' ? 2 : 3;
  const evaluations = nfeForward + backward * nfeBackward;
  return evaluations * evaluationOperations(batch) + outsideOperations(batch);
}
