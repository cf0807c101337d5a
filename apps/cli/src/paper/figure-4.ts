/**
 * The paper's figure 4: planar normalizing flows of K layers against planar continuous flows of width M = K, matched to
 * the four potentials. KL(q ‖ p) is measured against the targets' own mass, by quadrature.
 */
import {
  cnf,
  energyHalfWidth,
  gaussianBase,
  logIntegral,
  type Mapped,
  planarField,
  planarFlow,
  planeGrid,
  reverseKl,
  type ToyEnergyName,
  toyEnergy,
  toyEnergyNames,
} from '@neuralode/cnf';
import { jit } from '@neuralode/autodiff';
import { disposeTree, random, type Tensor } from '@neuralode/tensor';
import { densityPicture } from '../cnf/cnf-pictures.ts';
import { type Score, scoreOf } from '../cnf/score.ts';
import type { PaperOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import type { PlaneDrawing } from '../report/density-map.ts';
import type { Terminal } from '../terminal.ts';
import { type Fitted, fitted, keptParameters } from './fitting.ts';
import type { ResultPage } from './page.ts';
import { type SheetRow, sheetSvg } from './sheet.ts';

const sizes = [2, 8, 32] as const;
const batch = 128;
const iterations = { continuous: 400, planar: 2000 } as const;
/** Long, as in the public example of the paper's authors: the field need not grow large to move points far. */
const span = [0, 10] as const;
const measured = 10_000;
const halfWidth = energyHalfWidth + 0.5;
const base = gaussianBase(2);

type LogDensity = (x: Tensor) => Tensor;

/** A flow trained on one target. */
interface Row {
  readonly target: ToyEnergyName;
  readonly model: 'CNF' | 'NF';
  readonly size: number;
  /** KL(q ‖ p) in nats. */
  readonly divergence: Score;
  readonly seconds: number;
  readonly drawing: PlaneDrawing;
}

export async function figure4(options: PaperOptions, terminal: Terminal): Promise<ResultPage> {
  const rows: Row[] = [];
  const sheet: SheetRow[] = [];
  for (const target of toyEnergyNames) {
    const log = toyEnergy(target);
    const { logMass, drawing } = await targetOf(log);
    for (const model of ['NF', 'CNF'] as const) {
      for (const size of sizes) {
        rows.push(await rowOf({ target, model, size, log, logMass, options, terminal }));
      }
    }
    const of = rows.filter((row) => row.target === target);
    const drawings = of.map((row) => ({ title: nameOf(row), drawing: row.drawing }));
    sheet.push({ title: target, drawings: [{ title: 'target', drawing }, ...drawings] });
  }
  return pageOf(rows, sheet, options);
}

async function targetOf(log: LogDensity): Promise<{ logMass: number; drawing: PlaneDrawing }> {
  const grid = planeGrid(6, 400);
  const values = await jit(log)(grid.points);
  const logMass = logIntegral(await values.data(), grid);
  disposeTree([values, grid.points]);
  const { picture } = await densityPicture((x) => jit(log)(x));
  return { logMass, drawing: { halfWidth, picture } };
}

interface Task {
  readonly target: ToyEnergyName;
  readonly model: 'CNF' | 'NF';
  readonly size: number;
  readonly log: LogDensity;
  readonly logMass: number;
  readonly options: PaperOptions;
  readonly terminal: Terminal;
}

function rowOf(task: Task): Promise<Row> {
  const { model, size } = task;
  if (model === 'NF') {
    return trainedRow(task, planarFlow({ base, layers: size, direction: 'toData' }), 0.005);
  }
  const field = planarField({ dimension: 2, width: size });
  const loose = cnf({ field, base, span, rtol: 1e-3, atol: 1e-4 });
  return trainedRow(task, loose, 0.01, cnf({ field, base, span, rtol: 1e-5, atol: 1e-5 }));
}

/** What both kinds of flow have. */
interface Trainable<P> {
  readonly base: typeof base;
  init(rng: ReturnType<typeof random>): P;
  transformWithLogDet(params: P, z: Tensor): Mapped;
  logProb(params: P, x: Tensor): Tensor;
}

/** Trains a flow, and measures it, or a more precise one with the same parameters. */
async function trainedRow<P>(
  task: Task,
  flow: Trainable<P>,
  rate: number,
  precise = flow,
): Promise<Row> {
  const { target, model, size, log, logMass, options, terminal } = task;
  const count = iterations[model === 'CNF' ? 'continuous' : 'planar'];
  const run: Fitted<P> = await fitted(
    {
      name: `${target}, ${nameOf({ model, size })}`,
      params: flow.init(random(options.seed)),
      batch: (rng) => ({ z: base.sample(rng, batch) }),
      loss: (p: P, { z }: { z: Tensor }) => reverseKl(flow, p, z, log),
      iterations: Math.max(1, Math.round(count * options.effort)),
      learningRate: rate,
      seed: options.seed,
    },
    terminal,
  );
  const z = base.sample(random(-1 - options.seed), measured);
  const costs = await jit((p: P, start: Tensor) => {
    const { points, logDet } = precise.transformWithLogDet(p, start);
    return base.logProb(start).sub(logDet).sub(log(points)).add(logMass);
  })(run.params, z);
  const divergence = await scoreOf(costs);
  const density = jit((p: P, x: Tensor) => precise.logProb(p, x));
  const { picture } = await densityPicture((x) => density(run.params, x));
  disposeTree([z, run.params]);
  return { target, model, size, divergence, seconds: run.seconds, drawing: { halfWidth, picture } };
}

function nameOf({ model, size }: Pick<Row, 'model' | 'size'>): string {
  return model === 'CNF' ? `CNF, M = ${size}` : `NF, K = ${size}`;
}

function pageOf(
  rows: readonly Row[],
  sheet: readonly SheetRow[],
  options: PaperOptions,
): ResultPage {
  const find = (target: string, model: string, size: number): Row =>
    rows.find((row) => row.target === target && row.model === model && row.size === size)!;
  const pairs = toyEnergyNames.flatMap((target) =>
    sizes.map((size) => [find(target, 'NF', size), find(target, 'CNF', size)] as const),
  );
  const better = pairs.filter(([nf, c]) => c.divergence.mean < nf.divergence.mean).length;
  const show = ({ divergence }: Row): string =>
    `${divergence.mean.toFixed(3)} ± ${divergence.standardError.toFixed(3)}`;
  return {
    name: 'figure-4',
    title: 'Figure 4: density matching, planar flows against continuous ones',
    command: `paper figure-4 --seed ${options.seed} --effort ${options.effort}`,
    paragraphs: [
      `Minimises KL(q ‖ p) to the four potentials of Rezende and Mohamed, within a wall around [−4, 4]², since three of them ` +
        `are bands without end. The figures are KL in nats: over ${measured} fresh samples, with their standard error, ` +
        `counted from the target’s mass by quadrature; 0 is perfect. Adam in both, batch ${batch}, seed ${options.seed}; ` +
        `the continuous flows ${Math.round(iterations.continuous * options.effort)} iterations, the planar ones ` +
        `${Math.round(iterations.planar * options.effort)} (the paper: 10,000 and 500,000 of RMSprop). ${keptParameters}`,
      `At equal K = M the continuous flow has the lower divergence in ${better} of ${pairs.length} cases.`,
    ],
    tables: [
      {
        head: ['target', 'size', 'NF: KL', 'CNF: KL', 'NF: time', 'CNF: time'],
        rows: pairs.map(([nf, c]) => [
          nf.target,
          String(nf.size),
          show(nf),
          show(c),
          showDuration(nf.seconds),
          showDuration(c.seconds),
        ]),
      },
    ],
    figure: {
      svg: sheetSvg('Targets and densities of planar and continuous flows', sheet),
      caption: 'Targets and densities of planar and continuous flows',
    },
  };
}
