/** What came out of `spirals`: the summary, the report, and the line at the end. */
import { backendTitles } from '../backend.ts';
import type { SpiralsOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import { showCount, showFigure } from '../report/numbers.ts';
import type { RunFacts } from '../report/run-sections.ts';
import { type Reconstruction, type SpiralErrors, spiralsReport } from '../report/spirals-report.ts';
import type { Point } from '../report/svg.ts';
import { commandLine } from '../run/command-to-repeat.ts';
import { meanEvaluations, type Outcome } from '../run/finish.ts';
import type { Trained } from '../run/train.ts';
import { solverTitle } from '../solve-options.ts';
import { latentPaths } from './latent-picture.ts';
import { batchSize, type SpiralsData, spanTimes } from './spirals-data.ts';
import {
  afterFirstObservation,
  type Curves,
  predictions,
  reconstructions,
  rmse,
  type SpanErrors,
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

const names = { model: 'latent ODE', baseline: 'RNN fed with time gaps' } as const;
const plainBaseline = 'RNN';

export async function spiralsOutcome(run: TrainedSpirals): Promise<Outcome> {
  const { data, training, trained, options } = run;
  const { models, params } = training;
  const test = await reconstructions(models, params.latent, data, data.test);
  const train = await reconstructions(models, params.latent, data, data.train);
  const said = await predictions(models, params.baseline, data);
  const times = { inside: { from: 0, to: spanTimes }, beyond: { from: spanTimes, to: test.times } };
  const trainInside = rmse(data.train, train, times.inside);
  const model: SpanErrors = {
    inside: rmse(data.test, test, times.inside),
    beyond: rmse(data.test, test, times.beyond),
  };
  const baseline: SpanErrors = {
    inside: rmse(data.test, said.inside, {
      ...times.inside,
      first: afterFirstObservation(data.test),
    }),
    beyond: rmse(data.test, said.beyond, { ...times.beyond, curvesFrom: spanTimes }),
  };
  const last = trained.metrics.at(-1) as (SpiralsIteration & { seconds: number }) | undefined;
  const clocks = { model: last?.modelSeconds ?? 0, baseline: last?.baselineSeconds ?? 0 };
  const updates = { model: training.done, baseline: last?.baselineUpdates ?? 0 };
  const errors = {
    model: { name: names.model, ...model, seconds: clocks.model, iterations: updates.model },
    baseline: {
      name: options.points < spanTimes ? names.baseline : plainBaseline,
      ...baseline,
      seconds: clocks.baseline,
      iterations: updates.baseline,
    },
  };
  const { backend, solver, gradient, rtol, atol, seed, points } = options;
  const summary = {
    command: 'spirals' as const,
    backend,
    solver,
    gradient,
    ...(solver === 'dopri5' ? { rtol, atol } : {}),
    points,
    seed,
    seconds: trained.seconds,
    iterations: trained.metrics.length,
    loss: last?.loss ?? null,
    train: { rmse: trainInside },
    // the paper's table has the errors beyond the observed span
    test: { rmse: model.beyond, ...model },
    baseline: {
      rmse: baseline.beyond,
      ...baseline,
      seconds: clocks.baseline,
      iterations: updates.baseline,
    },
    nfe: meanEvaluations(trained.metrics),
  };
  const report = spiralsReport({
    title: 'Spirals from a latent ODE',
    lead: leadOf(options),
    ...errors,
    reconstructions: drawings(data, test),
    latent: {
      xName: 'first principal component of z',
      yName: 'second',
      paths: await latentPaths(models, params.latent, data),
    },
    notes: notesOf(options),
    facts: factsOf(run),
  });
  return { summary, report, line: lineOf(errors, trained) };
}

function lineOf(
  { model, baseline }: { model: SpiralErrors; baseline: SpiralErrors },
  { seconds, metrics }: Trained,
): string {
  const span = (which: 'inside' | 'beyond') =>
    `${showFigure(model[which])} (${baseline.name} ${showFigure(baseline[which])})`;
  return (
    `test RMSE against the clean spirals: inside ${span('inside')} · beyond ${span('beyond')} ` +
    `(${metrics.length} iterations in ${showDuration(seconds)})`
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
    'All spirals are stretches of two curves. No test spiral was trained on, but the places that it visits were, from other starts: going beyond means to get there from what was seen.',
  ];
}

function factsOf({ options, trained, data, training }: TrainedSpirals): RunFacts {
  const nfe = meanEvaluations(trained.metrics);
  const { latent } = training.models;
  return {
    metrics: trained.metrics,
    lossCaption:
      'Negative evidence lower bound of a batch of the latent ODE, in hundredths of nats a spiral.',
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
