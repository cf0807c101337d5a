/** What came out of `spirals`: the summary, the report, and the line at the end. */
import { backendTitles } from '../backend.ts';
import type { SpiralsOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import type { LossPoint } from '../report/loss-chart.ts';
import { showCount, showFigure } from '../report/numbers.ts';
import type { RunFacts } from '../report/run-sections.ts';
import { type Reconstruction, type SpiralErrors, spiralsReport } from '../report/spirals-report.ts';
import type { Point } from '../report/svg.ts';
import { commandLine } from '../run/command-to-repeat.ts';
import { meanEvaluations, type Outcome } from '../run/finish.ts';
import type { Trained } from '../run/train.ts';
import { isAdaptive, solverTitle } from '../solve-options.ts';
import { latentPaths } from './latent-picture.ts';
import { batchSize, type SpiralsData, spanTimes } from './spirals-data.ts';
import {
  afterFirstObservation,
  type Curves,
  predictions,
  reconstructions,
  rmse,
} from './spirals-errors.ts';
import { noise } from './spirals-models.ts';
import type { SpiralsIteration, SpiralsTraining } from './spirals-training.ts';

export interface TrainedSpirals {
  readonly options: SpiralsOptions;
  readonly data: SpiralsData;
  readonly training: SpiralsTraining;
  readonly trained: Trained;
}

/** Spirals drawn in the report. */
const drawn = 9;

export async function spiralsOutcome(run: TrainedSpirals): Promise<Outcome> {
  const { data, training, trained, options } = run;
  const { models, params } = training;
  const curves = await reconstructions(models, params.latent, data, data.test);
  const errors = await compare(run, curves);
  const report = spiralsReport({
    title: 'Spirals from a latent ODE',
    lead: leadOf(options),
    model: errors.model,
    baseline: errors.baseline,
    reconstructions: drawings(data, curves),
    latent: {
      xName: 'first principal component of z',
      yName: 'second',
      paths: await latentPaths(models, params.latent, data),
    },
    baselineLosses: baselineLosses(trained),
    notes: notesOf(options),
    facts: factsOf(run),
  });
  return { summary: summaryOf(run, errors), report, line: lineOf(errors, trained) };
}

interface Compared {
  readonly model: SpiralErrors;
  readonly baseline: SpiralErrors;
  /** Of the latent ODE, on the spirals trained on. */
  readonly trainInside: number;
}

/** Both models against the clean curves; `curves` are the latent ODE's for the test set. */
async function compare(run: TrainedSpirals, curves: Curves): Promise<Compared> {
  const { data, training, trained, options } = run;
  const { models, params } = training;
  const train = await reconstructions(models, params.latent, data, data.train);
  const said = await predictions(models, params.baseline, data);
  const inside = { from: 0, to: spanTimes };
  const beyond = { from: spanTimes, to: curves.times };
  const known = { ...inside, first: afterFirstObservation(data.test) };
  const last = lastOf(trained);
  return {
    trainInside: rmse(data.train, train, inside),
    model: {
      name: 'latent ODE',
      inside: rmse(data.test, curves, inside),
      beyond: rmse(data.test, curves, beyond),
      seconds: last?.modelSeconds ?? 0,
      iterations: training.done,
    },
    baseline: {
      name: options.points < spanTimes ? 'RNN fed with time gaps' : 'RNN',
      inside: rmse(data.test, said.inside, known),
      beyond: rmse(data.test, said.beyond, { ...beyond, curvesFrom: spanTimes }),
      seconds: last?.baselineSeconds ?? 0,
      iterations: last?.baselineUpdates ?? 0,
    },
  };
}

function lastOf({ metrics }: Trained): SpiralsIteration | undefined {
  return metrics.at(-1) as SpiralsIteration | undefined;
}

function summaryOf(
  { options, trained }: TrainedSpirals,
  { model, baseline, trainInside }: Compared,
): Outcome['summary'] {
  const { backend, solver, gradient, rtol, atol, seed, points } = options;
  const summary = {
    command: 'spirals' as const,
    backend,
    solver,
    gradient,
    ...(isAdaptive(solver) ? { rtol, atol } : {}),
    points,
    seed,
    seconds: trained.seconds,
    iterations: trained.metrics.length,
    loss: lastOf(trained)?.loss ?? null,
    train: { rmse: trainInside },
    test: figuresOf(model),
    baseline: figuresOf(baseline),
    nfe: meanEvaluations(trained.metrics),
  };
  return summary;
}

/** `rmse` is the error beyond the observed span, as in the paper's table. */
function figuresOf({ inside, beyond, seconds, iterations }: SpiralErrors) {
  return { rmse: beyond, inside, beyond, seconds, iterations };
}

function lineOf(
  { model, baseline }: Pick<Compared, 'model' | 'baseline'>,
  { seconds, metrics }: Trained,
): string {
  const span = (which: 'inside' | 'beyond') =>
    `${showFigure(model[which])} (${baseline.name} ${showFigure(baseline[which])})`;
  return (
    `test RMSE against the clean spirals: inside ${span('inside')} · beyond ${span('beyond')} ` +
    `(${metrics.length} iterations in ${showDuration(seconds)})`
  );
}

function baselineLosses({ metrics }: Trained): LossPoint[] {
  return (metrics as readonly Partial<SpiralsIteration>[]).flatMap(
    ({ baselineUpdates, baselineLoss }) =>
      typeof baselineLoss === 'number' && baselineUpdates !== undefined
        ? [{ iteration: baselineUpdates, loss: baselineLoss }]
        : [],
  );
}

function leadOf({ points }: SpiralsOptions): string {
  const seen =
    points < spanTimes ? `${points} of ${spanTimes} times, drawn at random` : 'every time';
  return (
    `A latent ODE trained on noisy spirals, each seen at ${seen} of a short span. ` +
    'It encodes a new spiral into one point, follows the learned field from there, and goes on beyond what was seen.'
  );
}

function drawings({ test }: SpiralsData, curves: Curves): Reconstruction[] {
  const point = (values: Float64Array, index: number): Point => ({
    x: values[2 * index]!,
    y: values[2 * index + 1]!,
  });
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  return range(0, Math.min(drawn, test.count)).map((s) => {
    const clean = (i: number) => point(test.clean, s * test.times.length + i);
    const said = (i: number) => point(curves.values, s * curves.times + i);
    const seen = range(0, test.inside).filter((i) => test.mask[s * test.inside + i] === 1);
    return {
      observed: seen.map((i) => point(test.noisy, s * test.inside + i)),
      truth: range(0, test.times.length).map(clean),
      inside: range(0, spanTimes).map(said),
      beyond: range(spanTimes, curves.times).map(said),
    };
  });
}

function notesOf({ points }: SpiralsOptions): string[] {
  const gaps = points < spanTimes ? ', fed with the time to the point that it predicts' : '';
  return [
    `The observations carry Gaussian noise of ${noise}; the errors are against the curves without it, at times observed or not.`,
    `The baseline is the paper’s recurrent network with 25 hidden units${gaps}. Inside the span it predicts each point from the noisy ones before it, while the latent ODE has seen the whole span; beyond it, both see nothing.`,
    'The two are trained in turns for the same wall time, on the same batches’ size and schedule of learning rates. How many updates the baseline makes in that time depends on the machine, and so do its figures in the last digits.',
    'Beside the paper’s bound, the loss of the latent ODE holds the drift of its paths: how far they run from what the encoder says of the later observations alone. Without that term a path beyond the observed span leads through latent country that training never saw, and the error there is two to three times as large.',
    'All spirals are stretches of two curves. No test spiral was trained on, but the places that it visits were, from other starts: going beyond means to get there from what was seen.',
  ];
}

function factsOf({ options, trained, data, training }: TrainedSpirals): RunFacts {
  const nfe = meanEvaluations(trained.metrics);
  const { latent } = training.models;
  return {
    metrics: trained.metrics,
    lossCaption:
      'Of the latent ODE: the negative evidence lower bound in hundreds of nats a spiral, counted from that of a perfect fit without noise, and the drift of its latent paths.',
    options: [
      ['spirals', `${data.train.count} to train on, ${data.test.count} held out, half clockwise`],
      ['observed', `${options.points} of ${spanTimes} times`],
      ['backend', backendTitles[options.backend]],
      ['solver', solverTitle(options)],
      ['gradient', options.gradient],
      [
        'evaluations a step',
        `${showCount(nfe.forward)} forward, ${showCount(nfe.backward)} backward`,
      ],
      ['latent dimensions', String(latent.latent)],
      ['batch', `${batchSize} spirals`],
      ['training', `${trained.metrics.length} iterations in ${showDuration(trained.seconds)}`],
      ['seed', String(options.seed)],
    ],
    command: commandLine('spirals', undefined, options),
  };
}
