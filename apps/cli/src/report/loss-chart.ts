/** The loss over the iterations, on a logarithmic scale. */
import * as Plot from '@observablehq/plot';
import { below, plotSvg, thin } from './svg.ts';

export interface LossPoint {
  readonly iteration: number;
  readonly loss: number;
}

export function lossChart(losses: readonly LossPoint[]): string {
  const points = thin(losses, 1_500);
  const log = points.every(({ loss }) => loss > 0);
  const first = losses[0];
  const last = losses.at(-1);
  return plotSvg(
    {
      height: 220,
      x: { ...below('iteration'), tickFormat: '~s', insetLeft: 4 },
      y: { label: 'loss', grid: true, ...(log ? { type: 'log', ticks: 5, tickFormat: '~g' } : {}) },
      marks: [
        Plot.lineY(points, { x: 'iteration', y: 'loss', stroke: 'var(--fit)', strokeWidth: 1.5 }),
      ],
    },
    {
      title: 'Loss over iterations',
      description:
        first === undefined || last === undefined
          ? 'No iteration yet.'
          : `From ${first.loss.toPrecision(3)} at iteration ${first.iteration} to ${last.loss.toPrecision(3)} at iteration ${last.iteration}.`,
    },
  );
}
