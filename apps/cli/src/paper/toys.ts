/**
 * FFJORD's toys: one flow on each of the eight distributions, trained with Hutchinson's trace, with the exact one, and by
 * flow matching.
 */
import {
  cnf,
  exact,
  flowMatching,
  flowMatchingBatch,
  type FlowMatchingBatch,
  gaussianBase,
  hutchinson,
  layerStack,
  negativeLogLikelihood,
} from '@neuralode/cnf';
import { disposeTree, type Random, random, type Tensor } from '@neuralode/tensor';
import { drawPoints, halfWidth, heldOut, testCount } from '../cnf/cnf-data.ts';
import { densityPicture, pointsOf } from '../cnf/cnf-pictures.ts';
import { type Score, scoreOf, showScore } from '../cnf/score.ts';
import { type CnfDataName, cnfDataNames, type PaperOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import type { Terminal } from '../terminal.ts';
import { fitted, keptParameters } from './fitting.ts';
import type { ResultPage } from './page.ts';
import { type SheetRow, sheetSvg } from './sheet.ts';

const ways = ['Hutchinson', 'exact', 'flow matching'] as const;
type Way = (typeof ways)[number];

const batch = { likelihood: 100, matching: 512 } as const;
const held = 2048;
const iterations = { likelihood: 200, matching: 2000 } as const;
const learningRate = { likelihood: 0.01, matching: 0.005 } as const;

interface Row {
  readonly data: CnfDataName;
  readonly way: Way;
  readonly score: Score;
  readonly seconds: number;
  /** Evaluations of the field to score the held-out points. */
  readonly evaluations: number;
  readonly drawing: SheetRow['drawings'][number];
}

type Batch = FlowMatchingBatch | { readonly x: Tensor; readonly noise: Tensor };

export async function toys(options: PaperOptions, terminal: Terminal): Promise<ResultPage> {
  const rows: Row[] = [];
  const sheet: SheetRow[] = [];
  for (const data of cnfDataNames) {
    const test = heldOut(data, options.seed);
    const points = (await pointsOf(test)).slice(0, 1000);
    for (const way of ways) rows.push(await rowOf(data, way, test, options, terminal));
    test.dispose();
    const drawings = rows.filter((row) => row.data === data).map((row) => row.drawing);
    sheet.push({
      title: data,
      drawings: [{ title: 'data', drawing: { halfWidth, points } }, ...drawings],
    });
  }
  return pageOf(rows, sheet, options);
}

async function rowOf(
  data: CnfDataName,
  way: Way,
  test: Tensor,
  { seed, effort }: PaperOptions,
  terminal: Terminal,
): Promise<Row> {
  let evaluations = 0;
  const flow = cnf({
    field: layerStack({ dimension: 2, hidden: [64, 64] }),
    base: gaussianBase(2),
    trace: way === 'exact' ? exact() : hutchinson(),
    rtol: 1e-3,
    atol: 1e-4,
    onSolve: ({ nfe }) => {
      evaluations = nfe;
    },
  });
  const kind = way === 'flow matching' ? 'matching' : 'likelihood';
  const batchOf = (count: number, rng: Random): Batch => {
    const x = drawPoints(data, count, rng);
    if (kind === 'matching') return flowMatchingBatch(flow, x, rng);
    return { x, noise: hutchinson().noise!(rng, [count, 2]) };
  };
  const { params, seconds } = await fitted(
    {
      name: `${data}, ${way}`,
      params: flow.init(random(seed)),
      batch: (rng) => batchOf(batch[kind], rng),
      held: (rng) => batchOf(held, rng),
      loss: (p, given: Batch) =>
        's' in given
          ? flowMatching(flow, p, given)
          : negativeLogLikelihood(flow, p, given.x, { noise: given.noise }),
      iterations: Math.max(1, Math.round(iterations[kind] * effort)),
      learningRate: learningRate[kind],
      seed,
    },
    terminal,
  );
  const call = { trace: exact() };
  const score = await scoreOf(await flow.logProb(params, test, call));
  const counted = evaluations;
  const { picture } = await densityPicture((x) => flow.logProb(params, x, call));
  disposeTree(params);
  const drawing = { title: way, drawing: { halfWidth, picture } };
  return { data, way, score, seconds, evaluations: counted, drawing };
}

function pageOf(
  rows: readonly Row[],
  sheet: readonly SheetRow[],
  options: PaperOptions,
): ResultPage {
  const cells = (data: CnfDataName): Row[] =>
    ways.map((way) => rows.find((row) => row.data === data && row.way === way)!);
  const count = (kind: keyof typeof iterations): number =>
    Math.round(iterations[kind] * options.effort);
  return {
    name: 'toys',
    title: 'FFJORD’s toys: Hutchinson’s trace, the exact one, and flow matching',
    command: `paper toys --seed ${options.seed} --effort ${options.effort}`,
    paragraphs: [
      `One stack of concatsquash layers (2-64-64-2, tanh) on each distribution: ${count('likelihood')} iterations of maximum ` +
        `likelihood at batch ${batch.likelihood} with either trace, against ${count('matching')} of flow matching at batch ` +
        `${batch.matching}, which solves nothing. Log-likelihood of ${testCount} held-out points in nats with the exact trace ` +
        `in all three, with its standard error; the time is that of training, the evaluations those of one solve (dopri5, ` +
        `rtol 1e-3) over the held-out points. Adam, seed ${options.seed}. ${keptParameters} ` +
        `FFJORD trains wider stacks for 10,000 iterations.`,
    ],
    tables: [
      {
        head: ['data', ...ways],
        rows: cnfDataNames.map((data) => [
          data,
          ...cells(data).map(({ score }) => showScore(score)),
        ]),
      },
      {
        head: ['time; evaluations', ...ways],
        rows: cnfDataNames.map((data) => [
          data,
          ...cells(data).map((row) => `${showDuration(row.seconds)}; ${row.evaluations}`),
        ]),
      },
    ],
    figure: {
      svg: sheetSvg('Data and densities of the toy distributions', sheet),
      caption: 'Data and densities of the toy distributions',
    },
  };
}
