/** The page of table 1. */
import { meanOf, type Score } from '../../cnf/score.ts';
import { showDuration } from '../../progress/wording.ts';
import { showCount } from '../../report/numbers.ts';
import { usualRates } from '../../mnist/mnist-optimiser.ts';
import { usualMnist } from '../kept-run.ts';
import { curvesPanel, panelsSvg } from '../panels.ts';
import type { ResultPage } from '../page.ts';
import type { Reached } from './reached.ts';
import type { Table1, TableRow } from './table-1.ts';

const none = '–';

export function table1Page(table: Table1): ResultPage {
  const { rows, worth, options } = table;
  const { seeds, epochs, optimiser, crop, backend, threads = 1 } = options;
  const learningRate = options.learningRate ?? usualRates[optimiser];
  const caption = 'Test error by epoch';
  const channels = rows.at(-1)!.contestant.options.channels;
  return {
    name: 'table-1',
    title: 'Table 1: four networks on handwritten digits',
    command:
      `paper table-1 --data FOLDER --seeds ${seeds} --epochs ${epochs} --channels ${channels} ` +
      `--optimiser ${optimiser} --learning-rate ${learningRate} --crop ${crop} --backend ${backend} --threads ${threads}${worth.length > 0 ? ' --worth' : ''}`,
    paragraphs: [settingsText(table), findingText(rows)],
    tables: [mainTable(rows), epochTable(rows), ...(worth.length > 0 ? [worthTable(table)] : [])],
    figure: { svg: panelsSvg(caption, [[errorPanel(rows)]]), caption },
    data: {
      options: { seeds, epochs, channels, optimiser, learningRate, crop, backend, threads },
      rows: rows.map(dataOf),
      worth: worth.map((pair) => ({
        channels: pair.channels,
        without: dataOf(pair.without),
        with: dataOf(pair.with),
      })),
    },
  };
}

const dataOf = ({ contestant: { title, options, paper }, ...row }: TableRow) => ({
  network: title,
  channels: options.channels,
  ...(paper && { paper }),
  ...row,
});

/** With the standard error over the seeds, where there are several. */
function showPercent({ mean, standardError }: Score): string {
  const error = Number.isFinite(standardError) ? ` ± ${(100 * standardError).toFixed(2)}` : '';
  return `${(100 * mean).toFixed(2)}${error} %`;
}

const scoreOf = (values: readonly number[]): Score => meanOf(Float64Array.from(values));

const finalErrors = ({ reached }: TableRow): number[] =>
  reached.map(({ errors }) => errors.at(-1)!);

/** `3`, or `2 to 3` where the seeds have not come equally far. */
function epochsOf(reached: readonly Reached[]): string {
  const counts = reached.map(({ errors }) => errors.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(least) : `${least} to ${most}`;
}

function mainTable(rows: readonly TableRow[]): ResultPage['tables'][number] {
  return {
    head: [
      'network',
      'test error',
      'paper',
      'epochs',
      'parameters',
      'paper',
      'peak memory',
      'step: processor',
      'by the clock',
      'evaluations',
    ],
    rows: rows.map((row) => {
      const { contestant, reached, parameters, peakBytes, processorSeconds } = row;
      const { title, paper } = contestant;
      const theirs = [`${paper?.error.toFixed(2)} %`, `${paper?.parameters} M`] as const;
      if (reached.length === 0) {
        return [title, none, theirs[0], none, none, theirs[1], none, none, none, none];
      }
      const seconds = scoreOf(reached.map(({ stepSeconds }) => stepSeconds)).mean;
      return [
        title,
        showPercent(scoreOf(finalErrors(row))),
        theirs[0],
        epochsOf(reached),
        parameters === undefined ? none : showCount(parameters),
        theirs[1],
        peakBytes === undefined ? none : `${(peakBytes / 1e6).toFixed(0)} MB, ${paper?.memory}`,
        processorSeconds === undefined ? none : `${(1000 * processorSeconds).toFixed(0)} ms`,
        `${(1000 * seconds).toFixed(0)} ms`,
        evaluationsOf(reached),
      ];
    }),
  };
}

function evaluationsOf(reached: readonly Reached[]): string {
  const mean = (pass: 'forward' | 'backward') =>
    scoreOf(reached.map(({ evaluations }) => evaluations[pass])).mean;
  return mean('forward') === 0
    ? none
    : `${mean('forward').toFixed(1)} + ${mean('backward').toFixed(1)}`;
}

/** All epochs of a short training, and of a long one fewer and fewer. */
function shownEpochs(last: number): number[] {
  const all = Array.from({ length: last }, (_, i) => i + 1);
  if (last <= 20) return all;
  return all.filter(
    (epoch) => [1, 2, 3, 5, 7].includes(epoch) || epoch % 10 === 0 || epoch === last,
  );
}

function epochTable(rows: readonly TableRow[]): ResultPage['tables'][number] {
  const last = Math.max(0, ...rows.flatMap(({ reached }) => reached.map((r) => r.errors.length)));
  const at = ({ reached }: TableRow, epoch: number): string => {
    const errors = reached.flatMap((each) => each.errors[epoch - 1] ?? []);
    return errors.length === 0 ? none : showPercent(scoreOf(errors));
  };
  return {
    head: ['test error after epoch', ...rows.map(({ contestant }) => contestant.title)],
    rows: [
      ...shownEpochs(last).map((epoch) => [String(epoch), ...rows.map((row) => at(row, epoch))]),
      ['paper', ...rows.map(({ contestant }) => `${contestant.paper?.error.toFixed(2)} %`)],
    ],
  };
}

function worthTable({ worth }: Table1): ResultPage['tables'][number] {
  return {
    head: ['channels', 'no block', 'ODE-Net', 'parameters', 'what the block takes off'],
    rows: worth.map((pair) => {
      const [without, own] = [pair.without, pair.with].map((row) => scoreOf(finalErrors(row)));
      return [
        String(pair.channels),
        showPercent(without!),
        showPercent(own!),
        `${showCount(pair.without.parameters ?? 0)}, ${showCount(pair.with.parameters ?? 0)}`,
        showPercent(differenceOf(without!, own!)),
      ];
    }),
  };
}

function differenceOf(a: Score, b: Score): Score {
  return { mean: a.mean - b.mean, standardError: Math.hypot(a.standardError, b.standardError) };
}

function errorPanel(rows: readonly TableRow[]) {
  return curvesPanel({
    title: 'test error by epoch',
    x: { label: 'epoch' },
    y: { label: 'percent', type: 'log', ticks: 3, tickFormat: '~g' },
    curves: rows.flatMap(({ contestant, reached }) =>
      reached.map(({ errors }) => ({
        name: contestant.title,
        points: errors.map((error, i) => ({ x: i + 1, y: 100 * error })),
      })),
    ),
    marked: 'both',
    level: 0.42,
  });
}

function settingsText({ options, rows, testDigits }: Table1): string {
  const { seeds, epochs, optimiser, crop } = options;
  const rate = options.learningRate ?? usualRates[optimiser];
  const spent = rows.flatMap(({ reached }) => reached).reduce((sum, each) => sum + each.seconds, 0);
  const descent =
    optimiser === 'sgd'
      ? `SGD with momentum 0.9 from ${rate}, to a tenth after 3/8, 5/8 and 7/8 of the iterations`
      : `Adam from ${rate}, decayed by a cosine`;
  const moved =
    crop === 0
      ? 'digits as they are'
      : `digits moved by up to ${crop} pixels (not for the perceptron)`;
  const length = epochs === 1 ? '1 epoch' : `${epochs} epochs`;
  return (
    `The networks share downsampling and head, but for the perceptron, and differ in the middle: six residual blocks, or an ` +
    `ODE block differentiated through its steps (RK-Net) or by the adjoint (ODE-Net), dopri5 at ${usualMnist.rtol}. Each is ` +
    `trained from seeds ${seeds.join(', ')} for ${length}: ${descent}, batch ${usualMnist.batch}, ${moved}. ` +
    `Errors are of all ${showCount(testDigits)} test digits at the last epoch ` +
    `reached, none chosen by them, with the standard error over the seeds; the paper’s are those after its whole training. ` +
    `Peak memory is that of loss and gradient of a batch above parameters and digits, the processor’s time for these the ` +
    `least of three, on one thread; by the clock it is the middle one of the last epoch’s steps, update and all. Evaluations ` +
    `are those of its steps, forward and backward. ${showDuration(spent)} of training in all; it goes on, where it was ` +
    `stopped, when the command is given again, and with more epochs by the schedule of those. The published example trains for 160 epochs.`
  );
}

/** How far the others are from the ODE-Net, with the error of the difference. */
function findingText(rows: readonly TableRow[]): string {
  const own = rows.find(({ contestant }) => contestant.title === 'ODE-Net');
  if (own === undefined || own.reached.length === 0)
    return 'The ODE-Net has not come to an end of an epoch yet.';
  const score = scoreOf(finalErrors(own));
  const others = rows.filter((row) => row !== own && row.reached.length > 0);
  const told = others.map((row) => {
    const difference = differenceOf(scoreOf(finalErrors(row)), score);
    return `${row.contestant.title} ${showPercent(difference)}`;
  });
  if (told.length === 0) return `The ODE-Net’s error is ${showPercent(score)}.`;
  return (
    `The ODE-Net’s error is ${showPercent(score)}; what the others have more than it, with the standard error of the ` +
    `difference: ${told.join(', ')}.`
  );
}
