/** The report of `mnist`. */
import * as Plot from '@observablehq/plot';
import type { IterationMetrics } from '../run/metrics-log.ts';
import { html, type Markup } from './html.ts';
import { showCount } from './numbers.ts';
import { dataTable, figure, paragraph, renderPage, section, tiles } from './page.ts';
import { pngAddress, type Rgb } from './png.ts';
import { type RunFacts, runSections } from './run-sections.ts';
import { below, plotSvg } from './svg.ts';

/** A picture that the network took for another digit. */
export interface MistakenDigit {
  /** Bytes, row by row; 255 is ink. */
  readonly pixels: Uint8Array;
  readonly side: number;
  readonly label: number;
  readonly answer: number;
}

/** The trained network at one tolerance, relative and absolute. */
export interface TolerancePoint {
  readonly tolerance: number;
  readonly accuracy: number;
  /** Test digits that it was tried on. */
  readonly count: number;
  /** Of the field in a solve, on average. */
  readonly evaluations: number;
}

export interface MnistReport {
  readonly title: string;
  readonly lead: string;
  readonly accuracy: number;
  readonly mistakes: number;
  readonly parameters: number;
  /** Iterations in an epoch. */
  readonly perEpoch: number;
  readonly metrics: readonly IterationMetrics[];
  readonly mistaken: readonly MistakenDigit[];
  /** None of a network without a block of continuous depth. */
  readonly tolerances: readonly TolerancePoint[];
  /** Where the block's steps begin and end. */
  readonly steps: readonly number[];
  readonly facts: RunFacts;
}

export function mnistReport(report: MnistReport): string {
  const isContinuous = report.steps.length > 0;
  return renderPage({
    title: report.title,
    lead: report.lead,
    sections: [
      numbers(report),
      learningCurve(report),
      ...(isContinuous ? [evaluationsSection(report), depthSection(report)] : []),
      mistakesSection(report),
      ...runSections(report.facts),
    ],
  });
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;

function numbers({ accuracy, mistakes, parameters }: MnistReport): Markup {
  return tiles([
    { label: 'Test accuracy', value: percent(accuracy), note: `${showCount(mistakes)} mistaken` },
    { label: 'Parameters', value: showCount(parameters) },
  ]);
}

/** Means over the iterations of parts of an epoch. */
function averaged<T extends number | undefined>(
  { metrics, perEpoch }: MnistReport,
  parts: number,
  of: (line: IterationMetrics) => T,
): { epoch: number; value: number }[] {
  const width = Math.max(1, Math.floor(perEpoch / parts));
  const points: { epoch: number; value: number }[] = [];
  for (let start = 0; start + width <= metrics.length; start += width) {
    const values = metrics.slice(start, start + width).flatMap((line) => of(line) ?? []);
    const value = values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length);
    points.push({ epoch: metrics[start + width - 1]!.iteration / perEpoch, value });
  }
  return points;
}

function learningCurve(report: MnistReport): Markup {
  const { metrics, perEpoch } = report;
  const training = averaged(report, 20, ({ accuracy }) => accuracy);
  const test = metrics.flatMap(({ iteration, testAccuracy }) =>
    testAccuracy === undefined ? [] : [{ epoch: iteration / perEpoch, value: testAccuracy }],
  );
  const svg = plotSvg(
    {
      height: 240,
      x: below('epoch'),
      y: { label: 'accuracy', grid: true, tickFormat: '~%' },
      marks: [
        Plot.lineY(training, { x: 'epoch', y: 'value', stroke: 'var(--fit)', strokeWidth: 1.5 }),
        Plot.dot(test, { x: 'epoch', y: 'value', fill: 'var(--forecast)', r: 4 }),
      ],
    },
    {
      title: 'Accuracy over epochs',
      description: 'Training digits as a line, test digits as dots.',
    },
  );
  return section(
    'Learning curve',
    figure(svg, 'Accuracy on the digits being trained on (line), and on all test digits (dots).'),
  );
}

function evaluationsSection(report: MnistReport): Markup {
  const passes = [
    { stroke: 'var(--fit)', points: averaged(report, 20, ({ nfe }) => nfe.forward) },
    { stroke: 'var(--forecast)', points: averaged(report, 20, ({ nfe }) => nfe.backward) },
  ];
  const svg = plotSvg(
    {
      height: 220,
      x: below('epoch'),
      y: { label: 'evaluations a step', grid: true, zero: true },
      marks: passes.map(({ stroke, points }) =>
        Plot.lineY(points, { x: 'epoch', y: 'value', stroke, strokeWidth: 1.5 }),
      ),
    },
    { title: 'Evaluations over epochs', description: 'Of the field, forward and backward.' },
  );
  const tolerances = dataTable(
    ['tolerance', 'accuracy', 'evaluations'],
    report.tolerances.map(({ tolerance, accuracy, evaluations }) => [
      tolerance.toExponential(0),
      percent(accuracy),
      evaluations.toFixed(1),
    ]),
  );
  const parts = [
    figure(svg, 'Evaluations of the field in a training step: forward (blue) and backward.'),
    ...(report.tolerances.length === 0
      ? []
      : [
          paragraph(
            `The trained network, solved at other tolerances (the first ${report.tolerances[0]!.count} test digits):`,
          ),
          tolerances,
        ]),
  ];
  return section('Evaluations, and accuracy against tolerance', ...parts);
}

function depthSection({ steps }: MnistReport): Markup {
  const svg = plotSvg(
    {
      height: 90,
      x: { ...below('time in the block'), domain: [steps[0]!, steps.at(-1)!] },
      marks: [Plot.ruleX(steps, { stroke: 'var(--fit)', strokeWidth: 2 })],
    },
    { title: 'Depth', description: `${steps.length - 1} accepted steps.` },
  );
  return section(
    'Depth',
    figure(svg, `${steps.length - 1} accepted steps, for a hundred test digits solved together.`),
  );
}

/** A blue that is read on white and on near-black. */
const ink: Rgb = [47, 111, 214];

function mistakesSection({ mistaken, mistakes }: MnistReport): Markup {
  if (mistaken.length === 0) return section('Mistaken digits', paragraph('None.'));
  const drawings = mistaken.map(({ pixels, side, label, answer }) => {
    const opacities = Float64Array.from(pixels, (pixel) => pixel / 255);
    const address = pngAddress(opacities, side, side, ink);
    return html`<figure style="display:inline-block;margin:.3rem"><img src="${address}" width="${2 * side}" height="${2 * side}" alt="${`a ${label}, taken for a ${answer}`}"><figcaption>${label}, not ${answer}</figcaption></figure>`;
  });
  const all = mistaken.length === mistakes ? 'All' : `The first ${mistaken.length} of ${mistakes}`;
  return section(
    'Mistaken digits',
    paragraph(`${all}: what the digit is, and not what the network said.`),
    html`<div>${drawings}</div>`,
  );
}
