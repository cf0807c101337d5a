/** What came out of `cnf`: the summary, the report, and the line at the end. */
import { disposeTree, random } from '@neuralode/tensor';
import { backendTitles } from '../backend.ts';
import type { CnfOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import { cnfReport } from '../report/cnf-report.ts';
import { showCount } from '../report/numbers.ts';
import type { RunFacts } from '../report/run-sections.ts';
import { commandLine } from '../run/command-to-repeat.ts';
import { meanEvaluations, type Outcome } from '../run/finish.ts';
import type { Trained } from '../run/train.ts';
import { isAdaptive, solverTitle } from '../solve-options.ts';
import { batchSize, halfWidth, heldOut, testCount } from './cnf-data.ts';
import { evaluationTrace } from './cnf-model.ts';
import { densityPicture, momentsOf, pathsOf, pointsOf } from './cnf-pictures.ts';
import type { CnfTraining } from './cnf-training.ts';
import { type Score, scoreOf, showScore } from './score.ts';

/** Points drawn in a picture. */
const shown = 1500;

/** The parts of the span that the paper's figure 5 shows. */
const shownParts = [0.05, 0.2, 0.4, 0.6, 0.8, 1] as const;

export interface TrainedCnf {
  readonly options: CnfOptions;
  readonly training: CnfTraining;
  readonly trained: Trained;
}

export async function cnfOutcome(run: TrainedCnf): Promise<Outcome> {
  const { options, training, trained } = run;
  const { flow, params } = training;
  const call = evaluationTrace(options);
  const test = heldOut(options.data, options.seed);
  const score = await scoreOf(await flow.logProb(params, test, call));
  const density = await densityPicture((x) => flow.logProb(params, x, call));
  const samples = await flow.sample(params, shown, random(2));
  const report = cnfReport({
    title: `A continuous normalizing flow on ${options.data.replace('-', ' ')}`,
    lead: leadOf(options),
    score,
    mass: density.mass,
    halfWidth,
    density: density.picture,
    data: (await pointsOf(test)).slice(0, shown),
    samples: await pointsOf(samples),
    moments: await momentsOf(flow, params, call, shownParts, shown / 3),
    paths: await pathsOf(flow, params, 60),
    facts: factsOf(run),
  });
  disposeTree([test, samples]);
  return {
    summary: summaryOf(run, score, density.mass),
    report,
    line:
      `test log-likelihood ${showScore(score)} nats (${testCount} points) · integral of the density ` +
      `${density.mass.toFixed(4)} (${trained.metrics.length} iterations in ${showDuration(trained.seconds)})`,
  };
}

function summaryOf({ options, trained }: TrainedCnf, { mean, standardError }: Score, mass: number) {
  const { backend, solver, gradient, rtol, atol, seed, data, field, training, trace, width } =
    options;
  return {
    command: 'cnf' as const,
    data,
    field,
    width,
    training,
    trace,
    backend,
    solver,
    gradient,
    ...(isAdaptive(solver) ? { rtol, atol } : {}),
    seed,
    seconds: trained.seconds,
    iterations: trained.metrics.length,
    loss: trained.metrics.at(-1)?.loss ?? null,
    test: { logLikelihood: mean, standardError, points: testCount },
    integral: mass,
    nfe: meanEvaluations(trained.metrics),
  };
}

function leadOf({ training, data }: CnfOptions): string {
  const how =
    training === 'likelihood'
      ? 'by maximum likelihood, through the solve'
      : 'by flow matching, without a solve';
  return (
    `A field trained ${how}, that carries points of a Gaussian to points of “${data}”. ` +
    'Read backwards, it gives the log-density of any point.'
  );
}

function factsOf({ options, trained }: TrainedCnf): RunFacts {
  const nfe = meanEvaluations(trained.metrics);
  const { data, ...rest } = options;
  const matching = options.training === 'flow-matching';
  return {
    metrics: trained.metrics,
    lossCaption: matching
      ? 'The mean squared distance of the field from the straight paths between base and data; it does not tend to 0.'
      : 'The mean of −log p(x) of fresh points, in nats.',
    options: [
      ['data', `${data}, ${batchSize} fresh points in each iteration`],
      ['field', `${options.field}, width ${options.width}`],
      ['training', matching ? 'flow matching, straight paths' : 'maximum likelihood'],
      ['trace', options.trace === 'auto' ? 'exact' : 'Hutchinson in training, exact here'],
      ['backend', backendTitles[options.backend]],
      ['solver', solverTitle(options)],
      ['gradient', options.gradient],
      [
        'evaluations a step',
        `${showCount(nfe.forward)} forward, ${showCount(nfe.backward)} backward`,
      ],
      ['iterations', `${trained.metrics.length} in ${showDuration(trained.seconds)}`],
      ['seed', String(options.seed)],
    ],
    command: commandLine('cnf', data, rest),
  };
}
