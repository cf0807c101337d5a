/** Training iterations of neuralode on the clock. */
import { backsolve, direct } from '@neuralode/adjoint';
import type { SolveStats } from '@neuralode/solvers';
import { spreadOf } from '../timing/spread.ts';
import type { TrainingResult } from './result.ts';

/** The gradients that are measured, by their names in the results. */
export const gradients = { direct, backsolve };

export type Gradient = keyof typeof gradients;

/** Iterations unmeasured, then measured. */
export interface Iterations {
  readonly warmup: number;
  readonly iterations: number;
}

/** Evaluations of the field so far, by the pass of a gradient. */
export type Evaluations = Record<SolveStats['pass'], number>;

/** A count, and the `onSolve` that keeps it. */
export function evaluationCounter(): {
  readonly nfe: Evaluations;
  readonly onSolve: (stats: SolveStats) => void;
} {
  const nfe = { forward: 0, backward: 0 };
  const onSolve = ({ pass, nfe: evaluations }: SolveStats): void => {
    nfe[pass] += evaluations;
  };
  return { nfe, onSolve };
}

/** What is told of a training beside its names. */
export type TrainingFigures = Omit<TrainingResult, 'system' | 'backend' | 'gradient'>;

/** The figures of a training, from the milliseconds and the loss of every iteration, those of the warm-up included. */
export function figuresOf(
  { warmup, iterations }: Iterations,
  milliseconds: readonly number[],
  losses: readonly number[],
  nfe: Evaluations,
): TrainingFigures {
  return {
    msPerIteration: spreadOf(milliseconds.slice(warmup)),
    firstStepMs: milliseconds[0],
    nfeForward: nfe.forward / iterations,
    nfeBackward: nfe.backward / iterations,
    loss: losses[losses.length - 1],
    initialLoss: losses[0],
  };
}

/** Times iterations, each of which gives its loss once it has been read; evaluations of the warm-up do not count. */
export async function timeTraining(
  given: Iterations,
  nfe: Evaluations,
  iterate: (i: number) => Promise<number>,
): Promise<TrainingFigures> {
  const milliseconds: number[] = [];
  const losses: number[] = [];
  for (let i = 0; i < given.warmup + given.iterations; i++) {
    if (i === given.warmup) nfe.forward = nfe.backward = 0;
    const start = performance.now();
    losses.push(await iterate(i));
    milliseconds.push(performance.now() - start);
  }
  return figuresOf(given, milliseconds, losses, nfe);
}
