/** The report of `fit`. */
import { showTime, type TimeKind } from '../table/table.ts';
import { html, type Markup } from './html.ts';
import { showFigure } from './numbers.ts';
import { dataTable, figure, legend, paragraph, renderPage, section, tiles } from './page.ts';
import { type PhasePortrait, phasePortrait } from './phase-portrait.ts';
import { type RunFacts, runSections } from './run-sections.ts';
import { type SeriesPanel, seriesChart } from './series-chart.ts';

/** Root mean square errors in the units of the data; null where there is nothing to compare with. */
export interface FitErrors {
  readonly train: number | null;
  readonly test: number | null;
  readonly baseline: number | null;
}

export interface FitReport {
  /** The table's file name. */
  readonly data: string;
  readonly timeKind: TimeKind;
  readonly firstTime: number;
  readonly trainedUntil: number;
  readonly lastTime: number;
  readonly panels: readonly SeriesPanel[];
  readonly phase: PhasePortrait | undefined;
  readonly overall: FitErrors;
  readonly byColumn: readonly { readonly name: string; readonly errors: FitErrors }[];
  /** How the data were treated, one sentence each. */
  readonly notes: readonly string[];
  readonly facts: RunFacts;
}

export function fitReport(report: FitReport): string {
  return renderPage({
    title: title(report),
    lead: lead(report),
    sections: [
      figureTiles(report),
      seriesSection(report),
      ...(report.phase === undefined ? [] : [phaseSection(report.phase)]),
      errorSection(report),
      ...runSections(report.facts),
    ],
  });
}

function title({ panels, data }: FitReport): string {
  return panels.length > 3
    ? data
    : new Intl.ListFormat('en').format(panels.map(({ name }) => name));
}

function lead({ data, timeKind, firstTime, trainedUntil, lastTime }: FitReport): string {
  // a date is not broken at the end of a line
  const show = (time: number) =>
    showTime(timeKind, timeKind === 'number' ? Number(time.toPrecision(6)) : time).replaceAll(
      '-',
      '\u2011',
    );
  const trained = `A neural ODE fitted to ${data}, trained on ${show(firstTime)} to ${show(trainedUntil)}`;
  return lastTime > trainedUntil ? `${trained} and forecast to ${show(lastTime)}.` : `${trained}.`;
}

function figureTiles({ overall }: FitReport): Markup {
  const all = [
    { label: 'Training RMSE', value: showFigure(overall.train), note: 'on the values trained on' },
    { label: 'Forecast RMSE', value: showFigure(overall.test), note: 'on the values held out' },
    {
      label: '“Last value stays” RMSE',
      value: showFigure(overall.baseline),
      note: 'the forecast to beat',
    },
  ];
  return tiles(overall.test === null ? all.slice(0, 1) : all);
}

function seriesSection({ panels, overall }: FitReport): Markup {
  const signs = legend([
    { mark: 'dot', colour: 'var(--ink)', label: 'trained on' },
    { mark: 'line', colour: 'var(--fit)', label: 'fit' },
    ...(overall.test === null
      ? []
      : ([
          { mark: 'ring', colour: 'var(--ink)', label: 'held out' },
          { mark: 'dash', colour: 'var(--forecast)', label: 'forecast' },
          { mark: 'band', colour: 'var(--region)', label: 'forecast span' },
        ] as const)),
  ]);
  const charts = panels.map((panel) => figure(seriesChart(panel), ''));
  return section('Data, fit and forecast', signs, html`${charts}`);
}

function phaseSection(portrait: PhasePortrait): Markup {
  const field = portrait.field.length > 0;
  const signs = legend([
    { mark: 'dot', colour: 'var(--ink)', label: 'trained on' },
    { mark: 'ring', colour: 'var(--ink)', label: 'held out' },
    { mark: 'line', colour: 'var(--fit)', label: 'fit' },
    { mark: 'dash', colour: 'var(--forecast)', label: 'forecast' },
    ...(field ? [{ mark: 'arrow', colour: 'var(--field)', label: 'learned field' } as const] : []),
  ]);
  const caption = field
    ? 'Time is left out: each arrow is the direction in which the learned field moves the state from there, and its length the speed.'
    : 'Time is left out: the path of the first two columns.';
  return section('Phase portrait', signs, figure(phasePortrait(portrait), caption));
}

function errorSection({ byColumn, overall, notes }: FitReport): Markup {
  const row = (name: string, { train, test, baseline }: FitErrors) => [
    name,
    showFigure(train),
    showFigure(test),
    showFigure(baseline),
  ];
  const rows = byColumn.map(({ name, errors }) => row(name, errors));
  if (byColumn.length > 1) rows.push(row('all columns', overall));
  return section(
    'Figures',
    paragraph(
      'Root mean square errors, in the units of the data. The forecast starts from the fitted state and sees no value after the training span; “last value stays” repeats the last value trained on.',
    ),
    dataTable(['column', 'training', 'forecast', '“last value stays”'], rows),
    html`${notes.map((note) => paragraph(note))}`,
  );
}
