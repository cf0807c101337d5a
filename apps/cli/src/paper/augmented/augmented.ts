/**
 * What a plain ODE cannot learn and an augmented one does (Dupont, Doucet, Teh 2019): loss and evaluations by epoch of
 * both on two problems, with the flow drawn.
 */
import type { PaperOptions } from '../../options.ts';
import { showDuration, showLoss } from '../../progress/wording.ts';
import type { Terminal } from '../../terminal.ts';
import type { ResultPage } from '../page.ts';
import { curvesPanel, type Panel, panelsSvg } from '../panels.ts';
import { flowPanels } from './flow-panels.ts';
import { type EpochMeans, type FlowResult, trainFlow } from './flow-training.ts';
import { type FlowProblem, reflection, spheres } from './problems.ts';

const problems = [reflection, spheres] as const;
/** Trainings of each network, from seeds one after the other. */
const trials = 3;
/** Dimensions beside those of the points. */
const augmentations = [0, 1] as const;

const nameOf = ({ augment }: Pick<FlowResult, 'augment'>): string =>
  augment === 0 ? 'plain' : 'augmented';

export async function augmented(options: PaperOptions, terminal: Terminal): Promise<ResultPage> {
  const results: FlowResult[] = [];
  for (const problem of problems) {
    const epochs = Math.max(1, Math.round(problem.epochs * options.effort));
    for (const augment of augmentations) {
      for (let trial = 0; trial < trials; trial++) {
        const task = { problem, augment, seed: options.seed + trial, epochs };
        terminal.stderr.write(`${problem.title}, ${nameOf(task)}, seed ${task.seed} … `);
        const result = await trainFlow(task);
        results.push(result);
        const told = `loss ${showLoss(result.heldLoss)}, ${showDuration(result.seconds)}`;
        terminal.stderr.write(`${told}\n`);
      }
    }
  }
  return pageOf(results, options);
}

function pageOf(results: readonly FlowResult[], options: PaperOptions): ResultPage {
  const title = 'Loss, evaluations and flows of plain and augmented ODE-Nets';
  return {
    name: 'augmented',
    title: 'Augmented ODE-Nets: what a plain one cannot learn',
    command: `paper augmented --seed ${options.seed} --effort ${options.effort}`,
    paragraphs: [settingsText(results, options), readingText(results)],
    tables: [tableOf(results)],
    figure: {
      svg: panelsSvg(
        title,
        problems.flatMap((problem) => {
          const own = results.filter((result) => result.problem === problem);
          return [progressPanels(problem, own), flowPanels(problem, own)];
        }),
      ),
      caption: title,
    },
    data: results.map((result) => ({
      problem: result.problem.name,
      network: nameOf(result),
      seed: result.seed,
      epochs: result.epochs,
      seconds: result.seconds,
      lossOnFreshPoints: result.heldLoss,
      lossByEpoch: result.epochMeans.map(({ loss }) => loss),
      evaluationsByEpoch: result.epochMeans.map(({ evaluations }) => evaluations),
    })),
  };
}

/** Loss and evaluations over the epochs, a line for each training. */
function progressPanels(problem: FlowProblem, results: readonly FlowResult[]): readonly Panel[] {
  const curves = (of: (means: EpochMeans) => number) =>
    results.map((result) => ({
      name: nameOf(result),
      points: result.epochMeans.map((means) => ({ x: means.epoch, y: of(means) })),
    }));
  const x = { label: 'epoch' };
  return [
    curvesPanel({
      title: `${problem.title}: loss`,
      x,
      y: { label: 'SmoothL1', type: 'log', ticks: 3, tickFormat: '~g' },
      curves: curves(({ loss }) => loss),
      marked: 'lines',
      ...(problem.readout === 'first' && { level: 0.5 }),
    }),
    curvesPanel({
      title: `${problem.title}: evaluations of a forward solve`,
      x,
      y: { label: 'evaluations', zero: true },
      curves: curves(({ evaluations }) => evaluations),
      marked: 'lines',
    }),
  ];
}

/** The middle one and the range of the trainings. */
function spread(values: readonly number[], show: (value: number) => string): string {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)]!;
  return `${show(middle)} (${show(sorted[0]!)}–${show(sorted.at(-1)!)})`;
}

function tableOf(results: readonly FlowResult[]) {
  return {
    head: [
      'problem',
      'network',
      'loss, training',
      'loss, fresh points',
      'evaluations, first epoch',
      'last epoch',
      'time of one',
    ],
    rows: problems.flatMap((problem) =>
      augmentations.map((augment) => {
        const own = results.filter((each) => each.problem === problem && each.augment === augment);
        const evaluations = (value: number): string => value.toFixed(1);
        const last = own.map(({ epochMeans }) => epochMeans.at(-1)!);
        return [
          problem.title,
          nameOf({ augment }),
          spread(
            last.map((means) => means.loss),
            showLoss,
          ),
          spread(
            own.map(({ heldLoss }) => heldLoss),
            showLoss,
          ),
          spread(
            own.map(({ epochMeans }) => epochMeans[0]!.evaluations),
            evaluations,
          ),
          spread(
            last.map((means) => means.evaluations),
            evaluations,
          ),
          showDuration(own.reduce((sum, { seconds }) => sum + seconds, 0) / own.length),
        ];
      }),
    ),
  };
}

function settingsText(results: readonly FlowResult[], { seed }: PaperOptions): string {
  const epochs = problems.map(
    (problem) => results.find((result) => result.problem === problem)!.epochs,
  );
  return (
    `After Dupont, Doucet, Teh (2019): the field is a perceptron of two hidden layers of 32 relu units that does not see ` +
    `the time; the augmented network has one further dimension, which begins at 0. On the line 1000 points within 0.1 of −1 ` +
    `and 1 are to be sent to their opposite, the answer is the first coordinate at the end, and training takes ${epochs[0]} ` +
    `epochs. In the plane 500 points of a disc (radius 0.5) are told from 1500 of a ring (1 to 1.5) by a linear map of the ` +
    `state at the end, ${epochs[1]} epochs. SmoothL1 loss, Adam at 1e-3, batch 64, dopri5 at 1e-3, differentiated through the ` +
    `steps. Seeds ${seed} to ${seed + trials - 1}: the table has the middle one and the range, loss and evaluations as ` +
    `means over an epoch. Below the curves are the ways of fresh points for seed ${seed}, from t = 0 to their dot at ` +
    `t = 1.`
  );
}

/** What the figures say, by the figures. */
function readingText(results: readonly FlowResult[]): string {
  const held = (problem: FlowProblem, augment: number): readonly number[] =>
    results
      .filter((each) => each.problem === problem && each.augment === augment)
      .map(({ heldLoss }) => heldLoss);
  const growth = (problem: FlowProblem, augment: number): string => {
    const own = results.filter((each) => each.problem === problem && each.augment === augment);
    const mean = (of: (result: FlowResult) => number): number =>
      own.reduce((sum, each) => sum + of(each), 0) / own.length;
    const first = mean(({ epochMeans }) => epochMeans[0]!.evaluations);
    const last = mean(({ epochMeans }) => epochMeans.at(-1)!.evaluations);
    return `from ${first.toFixed(0)} to ${last.toFixed(0)}`;
  };
  const stuck = Math.min(...held(reflection, 0));
  const solved = Math.max(...held(reflection, 1));
  return (
    `On the line paths may not cross, so the order of the points stays, and the best that keeps it, all to 0, has a loss of ` +
    `0.5 (dashed). The plain network ends at ${stuck.toFixed(3)} at best, and its evaluations grow ${growth(reflection, 0)} ` +
    `as it squeezes the two sides together; the augmented one ends at ${showLoss(solved)} at worst, its paths passing ` +
    `around each other, with evaluations ${growth(reflection, 1)}. In the plane a flow keeps the disc inside the ring, so a ` +
    `linear map cannot tell all of both apart; but it can draw a thin part of the ring, on which hardly a point falls, ` +
    `around the disc. So the plain network’s loss falls too, later, and its evaluations grow ${growth(spheres, 0)}, against ` +
    `${growth(spheres, 1)} of the augmented one.`
  );
}
