import { expect, test } from 'vitest';
import { type FitReport, fitReport } from '../src/report/fit-report.ts';
import { html } from '../src/report/html.ts';
import { showFigure } from '../src/report/numbers.ts';
import { spiralsReport } from '../src/report/spirals-report.ts';
import { thin } from '../src/report/svg.ts';

const line = (count: number, f: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => ({ x: i, y: f(i) }));
const metrics = line(30, (i) => Math.exp(-i)).map(({ x, y }) => ({
  iteration: x + 1,
  loss: y,
  nfe: { forward: 8, backward: 8 },
  seconds: x,
}));
const facts = {
  metrics,
  lossCaption: 'the loss',
  options: [['seed', '0']] as const,
  command: 'neuralode fit data.csv',
};

const report: FitReport = {
  data: 'data.csv',
  timeKind: 'number',
  firstTime: 0,
  trainedUntil: 7,
  lastTime: 9,
  panels: ['Lynx', '<b>Hare</b>'].map((name) => ({
    name,
    timeName: 'Year',
    timeKind: 'number' as const,
    observed: line(10, Math.sin),
    curves: [line(10, Math.sin)],
    trainedUntil: 7,
  })),
  phase: {
    xName: 'Lynx',
    yName: 'Hare',
    trained: line(8, Math.sin),
    heldOut: line(2, Math.cos),
    fit: [line(8, Math.sin)],
    forecast: line(2, Math.cos),
    field: [{ x: 1, y: 0, dx: 0.01, dy: 0.02 }],
    xRange: [0, 10],
    yRange: [-1, 1],
    xLog: false,
    yLog: false,
  },
  overall: { train: 1.234, test: 5.678, baseline: 9.1 },
  byColumn: [{ name: 'Lynx', errors: { train: 1, test: 2, baseline: 3 } }],
  notes: ['A note.'],
  facts,
};

/** A page that needs no network: the only addresses are names of XML dialects. */
function expectSelfContained(page: string): void {
  const addresses = page.match(/\b(?:https?:)?\/\/[^\s"'<)]+/g) ?? [];
  expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
  expect(page).not.toMatch(/<script|<link rel="stylesheet|@import|url\((?!#)/);
}

test('the report of fit is whole, alone, and says what its drawings show', () => {
  const page = fitReport(report);
  expectSelfContained(page);
  expect(page).toMatch(/^<!doctype html>/);
  expect(page.match(/<svg/g)?.length).toBe(4);
  expect(page.match(/<svg aria-label="[^"]{20,}" role="img"/g)?.length).toBe(4);
  expect(page).toContain('5.68');
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).toContain('neuralode fit data.csv');
});

test('names from a table cannot become markup', () => {
  const page = fitReport(report);
  const outsideAttributes = page.replace(/="[^"]*"/g, '');
  expect(outsideAttributes).not.toContain('<b>Hare');
  expect(page).toContain('&lt;b&gt;Hare');
  expect(html`<p title="${'"'}">${'<&>'}</p>`.text).toBe('<p title="&quot;">&lt;&amp;&gt;</p>');
});

test('dates get an axis of dates', () => {
  const panels = report.panels.map((panel) => ({ ...panel, timeKind: 'date' as const }));
  expect(fitReport({ ...report, timeKind: 'date', panels })).toContain('1970‑01‑08');
});

test('without a forecast there is no word of one', () => {
  const overall = { train: 1, test: null, baseline: null };
  const page = fitReport({ ...report, lastTime: 7, overall, phase: undefined });
  expect(page).not.toContain('Forecast RMSE');
  expect(page.match(/<svg/g)?.length).toBe(3);
});

test('the report of spirals draws each reconstruction and the latent paths', () => {
  const errors = { inside: 0.1, beyond: 0.2, seconds: 60, iterations: 100 };
  const page = spiralsReport({
    title: 'Spirals',
    lead: 'A latent ODE.',
    model: { name: 'latent ODE', ...errors },
    baseline: { name: 'RNN', ...errors },
    reconstructions: Array.from({ length: 3 }, () => ({
      observed: line(5, Math.sin),
      truth: line(9, Math.sin),
      inside: line(5, Math.cos),
      beyond: line(4, Math.cos),
    })),
    latent: { xName: 'z₁', yName: 'z₂', paths: [{ clockwise: true, points: line(5, Math.sin) }] },
    notes: [],
    facts,
  });
  expectSelfContained(page);
  expect(page.match(/<svg/g)?.length).toBe(5);
  expect(page).toContain('RNN: 0.1');
});

test('long series are thinned, ends kept', () => {
  const thinned = thin(
    Array.from({ length: 10_001 }, (_, i) => i),
    101,
  );
  expect(thinned.length).toBe(101);
  expect([thinned[0], thinned.at(-1)]).toEqual([0, 10_000]);
});

test('figures have three digits', () => {
  expect([2.38736, 33.377, 1234.5, 0.00001234, 0, null].map(showFigure)).toEqual([
    '2.39',
    '33.4',
    '1235',
    '1.23e-5',
    '0',
    '–',
  ]);
});
