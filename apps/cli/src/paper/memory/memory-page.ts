/** The page of `paper memory`. */
import { curvesPanel, panelsSvg } from '../panels.ts';
import type { ResultPage } from '../page.ts';
import { lineThrough } from '../line.ts';
import type { MemoryFigure, MemoryRow } from './memory.ts';

const megabytes = ({ peakBytes }: MemoryRow): number => peakBytes / 1e6;

const evaluationsOf = ({ evaluations }: MemoryRow): number =>
  evaluations.forward + evaluations.backward;

export function memoryPage(figure: MemoryFigure): ResultPage {
  const [large, exact] = figure.scales as [Scaled, Scaled];
  const caption = 'Peak bytes of a training step against depth';
  return {
    name: 'odenet-memory',
    title: 'Memory of a training step: growing, growing, flat',
    command: `paper memory --seed ${figure.seed} --channels ${large.channels} --backend ${large.backend}`,
    paragraphs: [settingsText(large, exact), findingText(large, exact)],
    tables: [tableOf(large, exact)],
    figure: { svg: panelsSvg(caption, figure.scales.map(panelsOf)), caption },
    data: figure,
  };
}

type Scaled = MemoryFigure['scales'][number];

const rowsOf = ({ rows }: Scaled, model: MemoryRow['model']): readonly MemoryRow[] =>
  rows.filter((row) => row.model === model);

function panelsOf(scale: Scaled) {
  const where = `${scale.backend}, ${scale.channels} channels, ${scale.batch} pictures`;
  const y = { label: 'megabytes', zero: true } as const;
  return [
    curvesPanel({
      title: `ResNet by blocks (${where})`,
      x: { label: 'residual blocks' },
      y,
      curves: [
        {
          name: 'ResNet',
          points: rowsOf(scale, 'ResNet').map((row) => ({ x: row.depth, y: megabytes(row) })),
        },
      ],
      marked: 'both',
    }),
    curvesPanel({
      title: 'RK-Net and ODE-Net by tolerance',
      x: { label: 'tolerance', type: 'log', reverse: true, tickFormat: '~e' },
      y,
      curves: (['RK-Net', 'ODE-Net'] as const).map((model) => ({
        name: model,
        points: rowsOf(scale, model).map((row) => ({ x: row.depth, y: megabytes(row) })),
      })),
      marked: 'both',
    }),
  ];
}

function tableOf(large: Scaled, exact: Scaled): ResultPage['tables'][number] {
  const name = ({ backend, channels, batch }: Scaled) =>
    `MB: ${backend}, ${channels} ch., ${batch}`;
  const count = ({ evaluations }: MemoryRow) => `${evaluations.forward} + ${evaluations.backward}`;
  return {
    head: [
      'network',
      'blocks or tolerance',
      name(large),
      'evaluations',
      name(exact),
      'evaluations',
    ],
    rows: large.rows.map((row, i) => {
      const other = exact.rows[i]!;
      const isResnet = row.model === 'ResNet';
      return [
        row.model,
        isResnet ? String(row.depth) : row.depth.toExponential(0),
        megabytes(row).toFixed(1),
        isResnet ? '–' : count(row),
        megabytes(other).toFixed(2),
        isResnet ? '–' : count(other),
      ];
    }),
  };
}

function settingsText(large: Scaled, exact: Scaled): string {
  return (
    `Peak bytes of loss and gradient of one batch, above what parameters and pictures take. Once at the size of the published ` +
    `example (${large.channels} channels, ${large.batch} pictures of 28 × 28) on ${large.backend}, float32; once small ` +
    `(${exact.channels} channels, ${exact.batch} pictures) on the reference backend, float64, whose buffers are counted one ` +
    `by one. RK-Net and ODE-Net are one network, differentiated through the steps and by the adjoint; dopri5, rtol and atol ` +
    `both the tolerance, untrained parameters. What a compiled program of simd keeps for the way back lies in stretches of ` +
    `up to 16 MiB, or one step where that takes more.`
  );
}

function findingText(large: Scaled, exact: Scaled): string {
  const perBlock = lineThrough(
    rowsOf(exact, 'ResNet').map((row) => ({ x: row.depth, y: megabytes(row) })),
  );
  const perEvaluation = lineThrough(
    rowsOf(exact, 'RK-Net').map((row) => ({ x: row.evaluations.forward, y: megabytes(row) })),
  );
  const factor = (scale: Scaled, model: MemoryRow['model']): string => {
    const sizes = rowsOf(scale, model).map(megabytes);
    return (Math.max(...sizes) / Math.min(...sizes)).toFixed(2);
  };
  const work = rowsOf(large, 'ODE-Net').map(evaluationsOf);
  return (
    `The residual network grows with its blocks (${perBlock.slope.toFixed(3)} MB each, in the small case, on a line that ` +
    `explains ${(100 * perBlock.explained).toFixed(1)} % of the variance), RK-Net with the evaluations of its solve ` +
    `(${perEvaluation.slope.toFixed(3)} MB each, ${(100 * perEvaluation.explained).toFixed(1)} %). From the loosest to the ` +
    `tightest tolerance RK-Net’s peak grows by a factor of ${factor(large, 'RK-Net')} (small: ${factor(exact, 'RK-Net')}), ` +
    `ODE-Net’s by ${factor(large, 'ODE-Net')} (small: ${factor(exact, 'ODE-Net')}), while its evaluations go from ` +
    `${Math.min(...work)} to ${Math.max(...work)}.`
  );
}
