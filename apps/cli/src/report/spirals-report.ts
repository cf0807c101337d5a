/** The report of `spirals`. */
import * as Plot from '@observablehq/plot';
import { html, type Markup } from './html.ts';
import { type LossPoint, lossChart } from './loss-chart.ts';
import { showFigure } from './numbers.ts';
import { dataTable, figure, legend, paragraph, renderPage, section, tiles } from './page.ts';
import { type RunFacts, runSections } from './run-sections.ts';
import { below, type Point, plotSvg } from './svg.ts';

/** One spiral as the model sees it. */
export interface Reconstruction {
  readonly observed: readonly Point[];
  /** The spiral without noise, over both spans. */
  readonly truth: readonly Point[];
  /** The model's curve within the observed span. */
  readonly inside: readonly Point[];
  /** Its curve beyond. */
  readonly beyond: readonly Point[];
}

/** A path in two of the latent dimensions. */
export interface LatentPath {
  readonly clockwise: boolean;
  readonly points: readonly Point[];
}

export interface SpiralErrors {
  readonly name: string;
  /** RMSE against the clean trajectories. */
  readonly inside: number;
  readonly beyond: number;
  readonly seconds: number;
  readonly iterations: number;
}

export interface SpiralsReport {
  readonly title: string;
  readonly lead: string;
  readonly model: SpiralErrors;
  readonly baseline: SpiralErrors;
  readonly reconstructions: readonly Reconstruction[];
  readonly latent: {
    readonly xName: string;
    readonly yName: string;
    readonly paths: readonly LatentPath[];
  };
  /** Of the baseline, by its own updates. */
  readonly baselineLosses?: readonly LossPoint[];
  readonly notes: readonly string[];
  readonly facts: RunFacts;
}

export function spiralsReport(report: SpiralsReport): string {
  return renderPage({
    title: report.title,
    lead: report.lead,
    sections: [
      errorTiles(report),
      errorSection(report),
      reconstructionSection(report.reconstructions),
      latentSection(report.latent),
      ...runSections(report.facts),
      ...baselineLossSection(report.baselineLosses ?? []),
    ],
  });
}

function errorTiles({ model, baseline }: SpiralsReport): Markup {
  return tiles([
    {
      label: 'RMSE inside the observed span',
      value: showFigure(model.inside),
      note: `${baseline.name}: ${showFigure(baseline.inside)}`,
    },
    {
      label: 'RMSE beyond it',
      value: showFigure(model.beyond),
      note: `${baseline.name}: ${showFigure(baseline.beyond)}`,
    },
  ]);
}

function errorSection({ model, baseline, notes }: SpiralsReport): Markup {
  const row = ({ name, inside, beyond, seconds, iterations }: SpiralErrors) => [
    name,
    showFigure(inside),
    showFigure(beyond),
    String(iterations),
    `${Math.round(seconds)} s`,
  ];
  return section(
    'Figures',
    paragraph('Root mean square errors on test spirals, against their trajectories without noise.'),
    dataTable(['model', 'inside', 'beyond', 'iterations', 'training'], [row(model), row(baseline)]),
    html`${notes.map((note) => paragraph(note))}`,
  );
}

function baselineLossSection(losses: readonly LossPoint[]): Markup[] {
  if (losses.length === 0) return [];
  const caption =
    'Negative log likelihood of its one-step predictions, in hundreds of nats a spiral.';
  return [section('Training of the baseline', figure(lossChart(losses), caption))];
}

function reconstructionSection(list: readonly Reconstruction[]): Markup {
  const signs = legend([
    { mark: 'dot', colour: 'var(--ink)', label: 'observed' },
    { mark: 'line', colour: 'var(--field)', label: 'truth' },
    { mark: 'line', colour: 'var(--fit)', label: 'reconstruction' },
    { mark: 'dash', colour: 'var(--forecast)', label: 'extrapolation' },
  ]);
  const drawings = list.map((one, i) => figure(reconstructionPlot(one, i + 1), ''));
  return section(
    'Reconstruction and extrapolation',
    signs,
    html`<div class="grid">${drawings}</div>`,
  );
}

function reconstructionPlot(one: Reconstruction, number: number): string {
  const line = (points: readonly Point[], stroke: string, width: number, dash?: string) =>
    Plot.line(points, {
      x: 'x',
      y: 'y',
      stroke,
      strokeWidth: width,
      strokeLinecap: 'round',
      ...(dash === undefined ? {} : { strokeDasharray: dash }),
    });
  return plotSvg(
    {
      width: 260,
      height: 240,
      margin: 6,
      aspectRatio: 1,
      x: { axis: null, inset: 4 },
      y: { axis: null, inset: 4 },
      marks: [
        line(one.truth, 'var(--field)', 3),
        line(one.inside, 'var(--fit)', 1.8),
        line([...one.inside.slice(-1), ...one.beyond], 'var(--forecast)', 1.8, '4 3'),
        Plot.dot(one.observed, { x: 'x', y: 'y', r: 1.9, fill: 'var(--ink)' }),
      ],
    },
    {
      title: `Test spiral ${number}`,
      description: `${one.observed.length} observed points, the true spiral, its reconstruction and its extrapolation.`,
    },
  );
}

function latentSection({ xName, yName, paths }: SpiralsReport['latent']): Markup {
  const colour = (clockwise: boolean) => (clockwise ? 'var(--other)' : 'var(--violet)');
  const signs = legend([
    { mark: 'line', colour: colour(true), label: 'clockwise' },
    { mark: 'line', colour: colour(false), label: 'counter-clockwise' },
    { mark: 'dot', colour: 'var(--ink)', label: 'start' },
  ]);
  const starts = paths.flatMap(({ points }) => points.slice(0, 1));
  const svg = plotSvg(
    {
      width: 560,
      height: 420,
      x: { ...below(xName), grid: true },
      y: { label: yName, grid: true },
      marks: [
        ...paths.map(({ clockwise, points }) =>
          Plot.line(points, {
            x: 'x',
            y: 'y',
            stroke: colour(clockwise),
            strokeWidth: 1.2,
            strokeOpacity: 0.75,
          }),
        ),
        Plot.dot(starts, { x: 'x', y: 'y', r: 2, fill: 'var(--ink)' }),
      ],
    },
    {
      title: 'Latent trajectories',
      description: `${paths.length} paths in two latent dimensions, coloured by the spiral's direction.`,
    },
  );
  return section('Latent trajectories', signs, figure(svg, ''));
}
