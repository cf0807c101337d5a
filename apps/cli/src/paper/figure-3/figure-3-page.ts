/** The four panels of figure 3, their table, and what they show, by the figures. */
import { showDuration } from '../../progress/wording.ts';
import type { IterationMetrics } from '../../run/metrics-log.ts';
import { invocation } from '../../terminal.ts';
import type { ResultPage } from '../page.ts';
import { curvesPanel, type Panel, panelsSvg } from '../panels.ts';
import { ways } from './backward-solves.ts';
import type { Figure3 } from './figure-3.ts';
import { tolerances } from './forward-solves.ts';
import { type Line, lineThrough } from '../line.ts';

/** Parts of an epoch over which training's evaluations are averaged. */
const parts = 10;

export interface TrainingPart {
  /** Epochs gone at its end. */
  readonly epoch: number;
  readonly forward: number;
  readonly backward: number;
}

/** Evaluations of a training step, on average over parts of an epoch. */
export function byPartOfEpoch(
  metrics: readonly IterationMetrics[],
  perEpoch: number,
): TrainingPart[] {
  const width = Math.max(1, Math.floor(perEpoch / parts));
  const averaged: TrainingPart[] = [];
  for (let start = 0; start + width <= metrics.length; start += width) {
    const lines = metrics.slice(start, start + width);
    averaged.push({
      epoch: lines.at(-1)!.iteration / perEpoch,
      forward: mean(lines.map(({ nfe }) => nfe.forward)),
      backward: mean(lines.map(({ nfe }) => nfe.backward)),
    });
  }
  return averaged;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function figure3Page(figure: Figure3): ResultPage {
  const { seed, channels, epochs, backend, threads = 1 } = figure.options;
  const fit = timeFit(figure);
  const caption = 'Error, time, backward evaluations, and evaluations by epoch';
  return {
    name: 'figure-3',
    title: 'Figure 3: what the solver does in a trained ODE-Net',
    command: `paper figure-3 --data FOLDER --seed ${seed} --channels ${channels} --epochs ${epochs} --backend ${backend} --threads ${threads}`,
    paragraphs: [
      settingsText(figure),
      forwardText(figure, fit),
      backwardText(figure),
      trainingText(figure),
    ],
    tables: [forwardTable(figure), backwardTable(figure)],
    figure: { svg: panelsSvg(caption, panelsOf(figure, fit)), caption },
    data: figure,
  };
}

const timeFit = ({ forward }: Figure3): Line =>
  lineThrough(forward.map(({ evaluations, seconds }) => ({ x: evaluations, y: 1000 * seconds })));

function panelsOf(figure: Figure3, fit: Line): Panel[][] {
  const log = (label: string) => ({ label, type: 'log', ticks: 5, tickFormat: '~g' }) as const;
  const forwardOf = figure.forward.map(({ evaluations, error, seconds }) => ({
    x: evaluations,
    error,
    time: 1000 * seconds,
  }));
  const ends = [0, Math.max(...forwardOf.map(({ x }) => x))];
  const most = Math.max(...figure.backward.map(({ forward }) => forward));
  const least = Math.min(...figure.backward.map(({ forward }) => forward));
  const guide = (factor: number) => [least, most].map((x) => ({ x, y: factor * x }));
  return [
    [
      curvesPanel({
        title: '(a) numerical error',
        x: { label: 'forward evaluations' },
        y: log('relative error'),
        curves: [
          {
            name: 'a solve of 100 digits',
            points: forwardOf.map(({ x, error }) => ({ x, y: error })),
          },
        ],
        marked: 'dots',
      }),
      curvesPanel({
        title: '(b) time of a forward solve',
        x: { label: 'forward evaluations', zero: true },
        y: { label: 'milliseconds', zero: true },
        curves: [
          {
            name: 'a solve of 100 digits',
            points: forwardOf.map(({ x, time }) => ({ x, y: time })),
            marked: 'dots',
          },
          {
            name: 'fitted line',
            points: ends.map((x) => ({ x, y: fit.intercept + fit.slope * x })),
            marked: 'lines',
          },
        ],
        marked: 'both',
      }),
    ],
    [
      curvesPanel({
        title: '(c) backward evaluations',
        x: log('forward evaluations'),
        y: log('backward evaluations'),
        curves: [
          ...ways.map(({ name }) => ({
            name,
            points: figure.backward
              .filter(({ way }) => way === name)
              .map(({ forward, backward }) => ({ x: forward, y: backward })),
          })),
          { name: 'as many, half as many', points: guide(1), marked: 'lines' as const },
          { name: 'as many, half as many', points: guide(0.5), marked: 'lines' as const },
        ],
        marked: 'both',
      }),
      curvesPanel({
        title: '(d) evaluations of a training step',
        x: { label: 'epoch' },
        y: { label: 'evaluations', zero: true },
        curves: (['forward', 'backward'] as const).map((pass) => ({
          name: pass,
          points: figure.training.map((part) => ({ x: part.epoch, y: part[pass] })),
        })),
        marked: 'lines',
      }),
    ],
  ];
}

function forwardTable({ forward }: Figure3): ResultPage['tables'][number] {
  return {
    head: ['tolerance', 'evaluations', 'relative error', 'milliseconds'],
    rows: tolerances.map((tolerance) => {
      const own = forward.filter((solve) => solve.tolerance === tolerance);
      return [
        tolerance.toExponential(1),
        mean(own.map(({ evaluations }) => evaluations)).toFixed(1),
        mean(own.map(({ error }) => error)).toExponential(1),
        mean(own.map(({ seconds }) => 1000 * seconds)).toFixed(0),
      ];
    }),
  };
}

function backwardTable({ backward }: Figure3): ResultPage['tables'][number] {
  return {
    head: ['forward + backward, error', ...ways.map(({ name }) => name)],
    rows: tolerances.map((tolerance) => [
      tolerance.toExponential(1),
      ...ways.map(({ name }) => {
        const own = backward.find((solve) => solve.way === name && solve.tolerance === tolerance)!;
        return `${own.forward} + ${own.backward}, ${own.error.toExponential(0)}`;
      }),
    ]),
  };
}

function settingsText({ options, testAccuracy, trainingSeconds }: Figure3): string {
  const { channels, epochs, seed } = options;
  return (
    `One ODE-Net of ${channels} channels, trained for ${epochs} epochs with dopri5 at a tolerance of 1e-3 by the adjoint ` +
    `(Adam, batch 128, seed ${seed}; ${showDuration(trainingSeconds)}): ${(100 * testAccuracy).toFixed(2)} % of the test ` +
    `digits right. The training keeps its checkpoints and its log in \`runs/figure-3\` below where \`${invocation()}\` was ` +
    `typed, and goes on from there. rtol and atol are the same number, the tolerance, throughout. (a) and (b): the block ` +
    `alone, three times a hundred test digits; the error is that of the state at t = 1 against float64 at 1e-7, relative to ` +
    `its norm, the time the fastest of five. (c): the gradient of the loss of 128 test digits, its error against that through the steps of a solve at 1e-6, relative to its norm. (d): of training, averaged ` +
    `over tenths of an epoch.`
  );
}

function forwardText({ forward }: Figure3, fit: Line): string {
  const of = (tolerance: number) => forward.filter((solve) => solve.tolerance === tolerance);
  const [loose, tight] = [of(tolerances[0]!), of(tolerances.at(-1)!)];
  const errorOf = (solves: typeof loose): string =>
    mean(solves.map(({ error }) => error)).toExponential(1);
  const countOf = (solves: typeof loose): string =>
    mean(solves.map(({ evaluations }) => evaluations)).toFixed(0);
  return (
    `(a) The tolerance is a dial: from ${countOf(loose)} evaluations with an error of ${errorOf(loose)} to ` +
    `${countOf(tight)} with ${errorOf(tight)}. (b) Time is proportional to evaluations: ${fit.slope.toFixed(2)} ms each, and ` +
    `the line explains ${(100 * fit.explained).toFixed(1)} % of the variance.`
  );
}

function backwardText(figure: Figure3): string {
  const { backward } = figure;
  const ratiosOf = (name: string): number[] =>
    backward.filter(({ way }) => way === name).map((solve) => solve.backward / solve.forward);
  const told = ways.map(({ name }) => {
    const ratios = ratiosOf(name);
    return `${name} ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  });
  const onItsScale = ways.filter(({ atolFactor }) => atolFactor < 1);
  const ofThose = onItsScale.flatMap(({ name }) => ratiosOf(name));
  const cost =
    Math.min(...ofThose) > 1
      ? 'more evaluations than the forward one at every tolerance'
      : `${mean(ofThose).toFixed(1)} times the evaluations of the forward one on average`;
  return (
    `(c) The paper’s authors saw about half as many evaluations backward as forward, with Adams’ method. Backward over ` +
    `forward, from the least to the most over the tolerances, is here: ${told.join('; ')}. What decides is the absolute ` +
    `tolerance. The adjoint is the gradient of a mean over the batch and over pixels, with numbers far below an absolute ` +
    `tolerance that fits the state: as far as the error norm goes it is free of error, and only the state that is solved ` +
    `again beside it steers the steps. With an absolute tolerance on the adjoint’s own scale (a ten-thousandth) the backward ` +
    `solve takes ${cost}. “Full norm” counts the parameters’ gradient in the error norm, ` +
    `as in the paper’s algorithm, the others do not: few numbers beside those of the state. What the evaluations buy is ` +
    `the gradient’s error, in the table: ${errorText(figure)}.`
  );
}

/** How precise gradients are at training's tolerance, by the adjoint's absolute tolerance. */
function errorText({ backward }: Figure3): string {
  const told = ways.map(({ name }) => {
    const own = backward.find((solve) => solve.way === name && solve.tolerance === 1e-3)!;
    return `${name} ${own.error.toExponential(1)}`;
  });
  return `at 1e-3, ${told.join('; ')}`;
}

function trainingText({ training, options }: Figure3): string {
  const perEpoch = Math.round(training.length / options.epochs);
  const of = (from: number, to?: number) => training.slice(from, to);
  const [first, last] = [of(0, perEpoch), of(-perEpoch)];
  const forward = (lines: typeof training) => mean(lines.map((part) => part.forward)).toFixed(1);
  const backward = (lines: typeof training) => mean(lines.map((part) => part.backward)).toFixed(1);
  return (
    `(d) The field grows harder to solve as it is trained: ${forward(first)} forward evaluations in the first epoch, ` +
    `${forward(last)} in the last (backward ${backward(first)} and ${backward(last)}).`
  );
}
