/** What came out of `fit`: the summary, the report, and the line at the end. */
import { basename } from 'node:path';
import { backendTitles } from '../backend.ts';
import type { FitOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import { type FitErrors, type FitReport, fitReport } from '../report/fit-report.ts';
import { showCount, showFigure } from '../report/numbers.ts';
import type { PhasePortrait } from '../report/phase-portrait.ts';
import type { RunFacts } from '../report/run-sections.ts';
import type { SeriesPanel } from '../report/series-chart.ts';
import type { Point } from '../report/svg.ts';
import { commandLine } from '../run/command-to-repeat.ts';
import { meanEvaluations, type Outcome } from '../run/finish.ts';
import type { DataRecord } from '../run/run-record.ts';
import type { Trained } from '../run/train.ts';
import { isAdaptive, solverTitle } from '../solve-options.ts';
import { errorsOf } from './errors-of-fit.ts';
import type { FitModel, FitParams } from './fit-model.ts';
import { type Forecast, fieldArrows, forecast } from './forecast.ts';
import type { Segments } from './segments.ts';
import type { Series } from './series.ts';
import { shippedTable } from './shipped-table.ts';
import { treatment } from './treatment.ts';

export interface Fitted {
  readonly options: FitOptions;
  readonly data: DataRecord;
  readonly series: Series;
  readonly segments: Segments;
  readonly model: FitModel;
  readonly params: FitParams;
  readonly trained: Trained;
}

export async function fitOutcome(fitted: Fitted): Promise<Outcome> {
  const { series, segments, model, params, trained, options, data } = fitted;
  const { table } = series;
  const said = await forecast(model, params, series, segments);
  const overall = errorsOf(series, said.rows, [...table.columns.keys()]);
  const byColumn = table.columns.map((name, c) => ({
    name,
    errors: errorsOf(series, said.rows, [c]),
  }));
  const report: FitReport = {
    data: basename(data.file),
    timeKind: table.timeKind,
    firstTime: table.times[0]!,
    trainedUntil: table.times[series.trainRows - 1]!,
    lastTime: table.times.at(-1)!,
    panels: table.columns.map((_, c) => panelOf(series, said, c)),
    phase: await phaseOf(fitted, said),
    overall,
    byColumn,
    notes: [...treatment(series, segments, model), ...table.notes],
    facts: factsOf(fitted),
  };
  const { backend, solver, gradient, rtol, atol, seed, hidden } = options;
  const summary = {
    command: 'fit' as const,
    data: data.file,
    columns: table.columns,
    backend,
    solver,
    gradient,
    ...(isAdaptive(solver) ? { rtol, atol } : {}),
    hidden,
    dimensions: model.dimensions,
    seed,
    seconds: trained.seconds,
    iterations: trained.metrics.length,
    loss: trained.metrics.at(-1)?.loss ?? null,
    train: { rmse: overall.train },
    test: { rmse: overall.test },
    baseline: { rmse: overall.baseline },
    byColumn: Object.fromEntries(byColumn.map(({ name, errors }) => [name, errors])),
    nfe: meanEvaluations(trained.metrics),
  };
  return { summary, report: fitReport(report), line: lineOf(overall, trained) };
}

function lineOf({ train, test, baseline }: FitErrors, { seconds, metrics }: Trained): string {
  const parts = [`training RMSE ${showFigure(train)}`];
  if (test !== null) {
    parts.push(
      `forecast RMSE ${showFigure(test)}`,
      `"last value stays" RMSE ${showFigure(baseline)}`,
    );
  }
  return `${parts.join(' · ')} (${metrics.length} iterations in ${showDuration(seconds)})`;
}

function panelOf({ table, trainRows }: Series, { paths }: Forecast, column: number): SeriesPanel {
  return {
    name: table.columns[column]!,
    timeName: table.timeName,
    timeKind: table.timeKind,
    observed: points(table.times, (row) => table.values[row]![column]!),
    curves: paths.map(({ times, values }) => points(times, (i) => values[i]![column]!)),
    trainedUntil: table.times[trainRows - 1]!,
  };
}

/** Points whose value is known. */
function points(times: ArrayLike<number>, value: (i: number) => number): Point[] {
  return Array.from(times, (x, i) => ({ x, y: value(i) })).filter(({ y }) => Number.isFinite(y));
}

/** The first two columns against each other; the field where these are the whole state. */
async function phaseOf(fitted: Fitted, { paths }: Forecast): Promise<PhasePortrait | undefined> {
  const { series, model, params } = fitted;
  const { table, trainRows, scales } = series;
  const [xName, yName] = table.columns;
  if (xName === undefined || yName === undefined) return undefined;
  const pair = (rows: readonly ArrayLike<number>[]): Point[] =>
    rows
      .map((row) => ({ x: row[0]!, y: row[1]! }))
      .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const last = paths.at(-1)!;
  const until = table.times[trainRows - 1]!;
  const turn = last.times.filter((time) => time <= until).length;
  const fit = [
    ...paths.slice(0, -1).map(({ values }) => pair(values)),
    pair(last.values.slice(0, turn)),
  ];
  const observed = pair(table.values);
  const xRange = rangeOf(
    [...observed, ...fit.flat()].map(({ x }) => x),
    scales[0]!.log,
  );
  const yRange = rangeOf(
    [...observed, ...fit.flat()].map(({ y }) => y),
    scales[1]!.log,
  );
  return {
    xName,
    yName,
    trained: pair(table.values.slice(0, trainRows)),
    heldOut: pair(table.values.slice(trainRows)),
    fit,
    forecast: pair(last.values.slice(Math.max(0, turn - 1))),
    field: model.dimensions === 2 ? await fieldArrows(model, params, series, [xRange, yRange]) : [],
    xRange,
    yRange,
    xLog: scales[0]!.log,
    yLog: scales[1]!.log,
  };
}

/** From the smallest to the largest, and a little more. */
function rangeOf(values: readonly number[], log: boolean): readonly [number, number] {
  const levels = log ? values.map(Math.log) : values;
  const low = levels.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = levels.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const margin = Math.max(0.06 * (high - low), 1e-6 * Math.max(1, Math.abs(high)));
  const ends = [low - margin, high + margin] as const;
  return log ? [Math.exp(ends[0]), Math.exp(ends[1])] : ends;
}

function factsOf({ options, trained, data, model }: Fitted): RunFacts {
  const nfe = meanEvaluations(trained.metrics);
  return {
    metrics: trained.metrics,
    lossCaption:
      'Mean square of the misses, in the model’s values. It rises where the horizon grows: training begins with the first few measurements and takes in more until three fifths of the iterations are done.',
    options: [
      ['table', data.file],
      ['backend', backendTitles[options.backend]],
      ['solver', solverTitle(options)],
      ['gradient', options.gradient],
      [
        'evaluations a step',
        `${showCount(nfe.forward)} forward, ${showCount(nfe.backward)} backward`,
      ],
      ['field', `${model.dimensions} → ${options.hidden} → ${model.dimensions}, tanh`],
      ['training', `${trained.metrics.length} iterations in ${showDuration(trained.seconds)}`],
      ['seed', String(options.seed)],
    ],
    command: commandLine('fit', data.file === shippedTable ? undefined : data.file, options),
  };
}
