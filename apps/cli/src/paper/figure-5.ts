/**
 * The paper's figure 5: maximum likelihood on two circles and two moons, a continuous flow of 64 hidden units against 64
 * planar layers; densities and samples through time.
 */
import { cnf, gaussianBase, negativeLogLikelihood, planarField, planarFlow } from '@neuralode/cnf';
import { jit } from '@neuralode/autodiff';
import { disposeTree, random, type Tensor } from '@neuralode/tensor';
import { drawPoints, halfWidth, heldOut, testCount } from '../cnf/cnf-data.ts';
import { densityPicture, momentsOf, pointsOf } from '../cnf/cnf-pictures.ts';
import { meanOf, type Score, showScore } from '../cnf/score.ts';
import type { PaperOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import type { PlaneDrawing } from '../report/density-map.ts';
import type { Terminal } from '../terminal.ts';
import { type CurveName, curveLogDensity } from './curve-density.ts';
import { type Fitted, fitted, keptParameters } from './fitting.ts';
import type { ResultPage } from './page.ts';
import { type SheetRow, sheetSvg } from './sheet.ts';

const size = 64;
const batch = 256;
const held = 2048;
const iterations = { continuous: 400, planar: 2000 } as const;
/** Long, as in the public example of the paper's authors: the field need not grow large to move points far. */
const span = [0, 10] as const;
const parts = [0.05, 0.2, 0.4, 0.6, 0.8, 1] as const;
const shown = 500;
const base = gaussianBase(2);
const targets = ['two-circles', 'two-moons'] as const satisfies readonly CurveName[];
const learningRate = { continuous: 0.003, planar: 0.005 } as const;

interface Row {
  readonly data: CurveName;
  readonly model: string;
  readonly score: Score;
  /** Of the same points under the density that they are drawn from, less under the flow: KL(data ‖ flow), estimated. */
  readonly divergence: Score;
  readonly fitted: Pick<Fitted<unknown>, 'seconds' | 'iterations'>;
}

export async function figure5(options: PaperOptions, terminal: Terminal): Promise<ResultPage> {
  const rows: Row[] = [];
  const sheet: SheetRow[] = [];
  for (const data of targets) {
    const points = heldOut(data, options.seed);
    const drawn: PlaneDrawing = { halfWidth, points: (await pointsOf(points)).slice(0, 2 * shown) };
    const continuous = await continuousOn(data, points, options, terminal);
    const planar = await planarOn(data, points, options, terminal);
    points.dispose();
    rows.push(continuous.row, planar.row);
    sheet.push(
      { title: data, drawings: continuous.drawings },
      { title: '', drawings: [{ title: 'data', drawing: drawn }, ...planar.drawings] },
    );
  }
  return pageOf(rows, sheet, options);
}

interface Outcome {
  readonly row: Row;
  readonly drawings: SheetRow['drawings'];
}

async function continuousOn(
  data: CurveName,
  test: Tensor,
  { seed, effort }: PaperOptions,
  terminal: Terminal,
): Promise<Outcome> {
  const field = planarField({ dimension: 2, width: size });
  const flow = cnf({ field, base, span, rtol: 1e-4, atol: 1e-5 });
  const run = await fitted(
    {
      name: `${data}, CNF`,
      params: flow.init(random(seed)),
      batch: (rng) => ({ x: drawPoints(data, batch, rng) }),
      held: (rng) => ({ x: drawPoints(data, held, rng) }),
      loss: (p, { x }: { x: Tensor }) => negativeLogLikelihood(flow, p, x),
      iterations: Math.max(1, Math.round(iterations.continuous * effort)),
      learningRate: learningRate.continuous,
      seed,
    },
    terminal,
  );
  const scores = await scoresOf(data, test, await flow.logProb(run.params, test));
  const moments = await momentsOf(flow, run.params, {}, parts, shown);
  disposeTree(run.params);
  return {
    row: { data, model: `CNF, ${size} hidden units`, ...scores, fitted: run },
    drawings: moments.map(({ part, picture, samples }) => ({
      title: `CNF, ${Math.round(100 * part)} %`,
      drawing: { halfWidth, picture, points: samples },
    })),
  };
}

async function scoresOf(
  data: CurveName,
  test: Tensor,
  logProb: Tensor,
): Promise<Pick<Row, 'score' | 'divergence'>> {
  const found = Float64Array.from(await logProb.data());
  logProb.dispose();
  const best = (await pointsOf(test)).map(curveLogDensity(data));
  return { score: meanOf(found), divergence: meanOf(found.map((value, i) => best[i]! - value)) };
}

async function planarOn(
  data: CurveName,
  test: Tensor,
  { seed, effort }: PaperOptions,
  terminal: Terminal,
): Promise<Outcome> {
  const flow = planarFlow({ base, layers: size, direction: 'toBase' });
  const run = await fitted(
    {
      name: `${data}, NF`,
      params: flow.init(random(seed)),
      batch: (rng) => ({ x: drawPoints(data, batch, rng) }),
      held: (rng) => ({ x: drawPoints(data, held, rng) }),
      loss: (p, { x }: { x: Tensor }) => negativeLogLikelihood(flow, p, x),
      iterations: Math.max(1, Math.round(iterations.planar * effort)),
      learningRate: learningRate.planar,
      seed,
    },
    terminal,
  );
  const density = jit(flow.logProb);
  const scores = await scoresOf(data, test, await density(run.params, test));
  const { picture } = await densityPicture((x) => density(run.params, x));
  const z = base.sample(random(0), shown);
  const samples = await jit(flow.transformWithLogDet)(run.params, z);
  const drawn = await pointsOf(samples.points);
  disposeTree([z, samples, run.params]);
  return {
    row: { data, model: `NF, ${size} planar layers`, ...scores, fitted: run },
    drawings: [{ title: 'NF', drawing: { halfWidth, picture, points: drawn } }],
  };
}

function pageOf(
  rows: readonly Row[],
  sheet: readonly SheetRow[],
  options: PaperOptions,
): ResultPage {
  return {
    name: 'figure-5',
    title: 'Figure 5: maximum likelihood on two circles and two moons',
    command: `paper figure-5 --seed ${options.seed} --effort ${options.effort}`,
    paragraphs: [
      `A continuous flow of ${size} hidden units against ${size} planar layers that carry the data to the base. Log-likelihood ` +
        `of ${testCount} held-out points in nats, with its standard error; higher is better. The points’ log-likelihood under the density ` +
        `that they are drawn from is known, and is the most there is: KL is what a flow lacks of it, point by point. Adam ` +
        `(${learningRate.continuous} for the continuous flows, ${learningRate.planar} for the planar ones), batch ${batch} ` +
        `of fresh points, seed ${options.seed}. ${keptParameters}`,
      findingText(rows),
    ],
    tables: [
      {
        head: ['data', 'model', 'test log-likelihood', 'KL(data ‖ flow)', 'iterations', 'time'],
        rows: rows.map(({ data, model, score, divergence, fitted: run }) => [
          data,
          model,
          showScore(score),
          showScore(divergence),
          String(run.iterations),
          showDuration(run.seconds),
        ]),
      },
    ],
    figure: {
      svg: sheetSvg('Densities and samples of the flows through time', sheet),
      caption: 'Densities and samples of the continuous flows through time, and of the planar ones',
    },
  };
}

/** Which of the two flows is nearer to the data's density, beyond two standard errors. */
function findingText(rows: readonly Row[]): string {
  const findings = targets.map((data) => {
    const [c, nf] = rows.filter((row) => row.data === data).map((row) => row.divergence);
    const lead = nf!.mean - c!.mean;
    const doubt = 2 * Math.hypot(nf!.standardError, c!.standardError);
    if (Math.abs(lead) < doubt) return `on ${data} neither is`;
    return `on ${data} the ${lead > 0 ? 'continuous' : 'planar'} flow is`;
  });
  return (
    `Which is nearer to the data’s density, by more than two standard errors: ${findings.join(', ')}. The paper’s planar ` +
    `flow has trouble with two moons; how long it was trained there is not given.`
  );
}
