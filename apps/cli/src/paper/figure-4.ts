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
import { disposeTree, random, type Tensor, tensor } from '@neuralode/tensor';
import { densityPicture } from '../cnf/cnf-pictures.ts';
import { type Score, scoreOf, showScore } from '../cnf/score.ts';
import type { PaperOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import type { PlaneDrawing } from '../report/density-map.ts';
import type { Terminal } from '../terminal.ts';
import { type Fitted, fitted, keptParameters } from './fitting.ts';
import type { ResultPage } from './page.ts';
import { type SheetRow, sheetSvg } from './sheet.ts';

const sizes = [2, 8, 32] as const;
const batch = 128;
const iterations = { CNF: 400, NF: 2000 } as const;
const learningRate = { CNF: 0.003, NF: 0.005 } as const;
/** Trainings of each flow: which of a target's two arms is found, if not both, is a matter of luck. */
const trials = 3;
/**
 * The potential is brought in by β = min(1, 0.01 + progress/0.3), as in Rezende and Mohamed (2015, equation 20), though
 * over more of the iterations: at its full strength from the start, flows keep to one of a target's arms.
 */
const warmUp = (part: number): number => Math.min(1, 0.01 + part / 0.3);
/** Long, as in the public example of the paper's authors: the field need not grow large to move points far. */
const span = [0, 10] as const;
const held = 1024;
const measured = 10_000;
const halfWidth = energyHalfWidth + 0.5;
const base = gaussianBase(2);

type LogDensity = (x: Tensor) => Tensor;

/** A flow trained on one target, a few times. */
interface Row {
  readonly target: ToyEnergyName;
  readonly model: 'CNF' | 'NF';
  readonly size: number;
  /** KL(q ‖ p) in nats of each training, ascending. */
  readonly divergences: readonly Score[];
  /** All trainings together. */
  readonly seconds: number;
  /** The density of the middle one. */
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
  if (model === 'NF') return rowFrom(task, planarFlow({ base, layers: size, direction: 'toData' }));
  const field = planarField({ dimension: 2, width: size });
  const loose = cnf({ field, base, span, rtol: 1e-3, atol: 1e-4 });
  return rowFrom(task, loose, cnf({ field, base, span, rtol: 1e-5, atol: 1e-5 }));
}

/** What both kinds of flow have. */
interface Trainable<P> {
  readonly base: typeof base;
  init(rng: ReturnType<typeof random>): P;
  transformWithLogDet(params: P, z: Tensor): Mapped;
  logProb(params: P, x: Tensor): Tensor;
}

/** Trains a flow a few times, and measures it, or a more precise one with the same parameters. */
async function rowFrom<P>(task: Task, flow: Trainable<P>, precise = flow): Promise<Row> {
  const { target, model, size, options } = task;
  const runs: { run: Fitted<P>; divergence: Score }[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const run = await trainedOn(task, flow, options.seed + trial);
    runs.push({ run, divergence: await divergenceOf(task, precise, run.params) });
  }
  runs.sort((a, b) => a.divergence.mean - b.divergence.mean);
  const { params } = runs[(trials - 1) / 2]!.run;
  const density = jit((p: P, x: Tensor) => precise.logProb(p, x));
  const { picture } = await densityPicture((x) => density(params, x));
  disposeTree(runs.map(({ run }) => run.params));
  return {
    target,
    model,
    size,
    divergences: runs.map(({ divergence }) => divergence),
    seconds: runs.reduce((sum, { run }) => sum + run.seconds, 0),
    drawing: { halfWidth, picture },
  };
}

function trainedOn<P>(task: Task, flow: Trainable<P>, seed: number): Promise<Fitted<P>> {
  const { target, model, log, options, terminal } = task;
  return fitted(
    {
      name: `${target}, ${nameOf(task)}, seed ${seed}`,
      params: flow.init(random(seed)),
      batch: (rng, part) => ({ z: base.sample(rng, batch), strength: tensor(warmUp(part)) }),
      held: (rng) => ({ z: base.sample(rng, held), strength: tensor(1) }),
      loss: (p: P, { z, strength }: { z: Tensor; strength: Tensor }) =>
        reverseKl(flow, p, z, (x) => log(x).mul(strength)),
      iterations: Math.max(1, Math.round(iterations[model] * options.effort)),
      learningRate: learningRate[model],
      seed,
    },
    terminal,
  );
}

/** Over fresh samples, the same for all flows. */
async function divergenceOf<P>(task: Task, flow: Trainable<P>, params: P): Promise<Score> {
  const { log, logMass, options } = task;
  const z = base.sample(random(-1 - options.seed), measured);
  const costs = await jit((p: P, start: Tensor) => {
    const { points, logDet } = flow.transformWithLogDet(p, start);
    return base.logProb(start).sub(logDet).sub(log(points)).add(logMass);
  })(params, z);
  z.dispose();
  return scoreOf(costs);
}

function nameOf({ model, size }: Pick<Row, 'model' | 'size'>): string {
  return model === 'CNF' ? `CNF, M = ${size}` : `NF, K = ${size}`;
}

const middle = ({ divergences }: Row): Score => divergences[(trials - 1) / 2]!;

/** The middle one and the range, as in `0.051 (0.032–0.079)`. */
function show(row: Row): string {
  const [least, most] = [row.divergences[0]!, row.divergences.at(-1)!];
  return `${middle(row).mean.toFixed(3)} (${least.mean.toFixed(3)}–${most.mean.toFixed(3)})`;
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
  return {
    name: 'figure-4',
    title: 'Figure 4: density matching, planar flows against continuous ones',
    command: `paper figure-4 --seed ${options.seed} --effort ${options.effort}`,
    paragraphs: [settingsText(options), findingText(pairs)],
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

function settingsText({ seed, effort }: PaperOptions): string {
  return (
    `Minimises KL(q ‖ p) to the four potentials of Rezende and Mohamed, within a wall around [−4, 4]², since three of them ` +
    `are bands without end. The figures are KL in nats over ${measured} fresh samples, counted from the target’s mass by ` +
    `quadrature; 0 is perfect. Each flow is trained from seeds ${seed} to ${seed + trials - 1}: the table has the middle ` +
    `one and the range, the picture the middle one, the times are of all. Adam in both (${learningRate.CNF} and ` +
    `${learningRate.NF}), batch ${batch}; the continuous flows ${Math.round(iterations.CNF * effort)} iterations, the ` +
    `planar ones ${Math.round(iterations.NF * effort)} (the paper: 10,000 and 500,000 of RMSprop). In both the potential ` +
    `is brought in over the first 30 %, after Rezende and Mohamed’s equation 20. ${keptParameters}`
  );
}

function findingText(pairs: readonly (readonly [nf: Row, continuous: Row])[]): string {
  const lost = pairs.filter(([nf, c]) => middle(c).mean >= middle(nf).mean);
  const won = `At equal K = M the continuous flow has the lower divergence in ${pairs.length - lost.length} of ${pairs.length} cases`;
  if (lost.length === 0) return `${won}.`;
  const names = lost.map(
    ([nf, c]) =>
      `${nf.target} at ${nf.size} (NF ${showScore(middle(nf))}, CNF ${showScore(middle(c))})`,
  );
  const alike = lost.filter(([nf, c]) => overlap(nf, c)).length;
  return (
    `${won}; it has not on ${names.join(', ')}, with the standard error of the samples. In ${alike} of these ` +
    `${lost.length} the ranges over the seeds overlap.`
  );
}

function overlap({ divergences: a }: Row, { divergences: b }: Row): boolean {
  return a[0]!.mean <= b.at(-1)!.mean && b[0]!.mean <= a.at(-1)!.mean;
}
