/** What came out of `mnist`: the summary, the report, and the line at the end. */
import { parameterCount } from '@neuralode/odenet';
import { backendTitles } from '../backend.ts';
import type { MnistOptions } from '../options.ts';
import { showDuration } from '../progress/wording.ts';
import { type MistakenDigit, mnistReport, type TolerancePoint } from '../report/mnist-report.ts';
import { showCount } from '../report/numbers.ts';
import type { RunFacts } from '../report/run-sections.ts';
import { commandLine } from '../run/command-to-repeat.ts';
import { meanEvaluations, type Outcome } from '../run/finish.ts';
import type { Trained } from '../run/train.ts';
import { isAdaptive, solverTitle } from '../solve-options.ts';
import { type Digits, digitTensors, side } from './digits.ts';
import { Evaluation } from './evaluation.ts';
import { isContinuous } from './mnist-model.ts';
import type { MnistTraining } from './mnist-training.ts';

/** Mistaken digits in the report. */
const shown = 60;
/** Test digits on which other tolerances are tried. */
const tried = 1000;
const tolerances = [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5] as const;

export interface TrainedMnist {
  readonly options: MnistOptions;
  readonly training: MnistTraining;
  readonly trained: Trained;
  readonly test: Digits;
}

export async function mnistOutcome(run: TrainedMnist): Promise<Outcome> {
  const { options, training, trained, test } = run;
  const answers = await new Evaluation(test, training.network).answers(training.params);
  const mistaken = [...answers.keys()].filter((i) => answers[i] !== test.labels[i]);
  const accuracy = (test.count - mistaken.length) / test.count;
  const report = mnistReport({
    title: `Handwritten digits: ${options.model}`,
    lead: `Trained on ${showCount(training.perEpoch * options.batch)} digits an epoch, and tested on ${showCount(test.count)} others.`,
    accuracy,
    mistakes: mistaken.length,
    parameters: parameterCount(training.params),
    perEpoch: training.perEpoch,
    metrics: trained.metrics,
    mistaken: mistaken.slice(0, shown).map((i) => digitAt(test, i, answers[i]!)),
    tolerances: await accuracyByTolerance(run),
    steps: await stepsOf(run),
    facts: factsOf(run),
  });
  return {
    summary: summaryOf(run, accuracy),
    report,
    line:
      `test accuracy ${(100 * accuracy).toFixed(2)} % (${mistaken.length} of ${test.count} mistaken; ` +
      `${trained.metrics.length} iterations in ${showDuration(trained.seconds)})`,
  };
}

function digitAt({ pixels, labels }: Digits, i: number, answer: number): MistakenDigit {
  const size = side * side;
  return { pixels: pixels.subarray(i * size, (i + 1) * size), side, label: labels[i]!, answer };
}

/** The trained network, solved at other tolerances. */
async function accuracyByTolerance({
  options,
  training,
  test,
}: TrainedMnist): Promise<readonly TolerancePoint[]> {
  if (!isContinuous(options) || !isAdaptive(options.solver)) return [];
  const points: TolerancePoint[] = [];
  for (const tolerance of tolerances) {
    const work = { nfe: 0, solves: 0 };
    const onSolve = ({ nfe }: { readonly nfe: number }): void => {
      work.nfe += nfe;
      work.solves++;
    };
    const solve = { rtol: tolerance, atol: tolerance, onSolve };
    const count = Math.min(tried, test.count);
    const evaluation = new Evaluation(test, training.network, solve);
    const accuracy = await evaluation.accuracy(training.params, count);
    points.push({ tolerance, accuracy, count, evaluations: work.nfe / Math.max(1, work.solves) });
  }
  return points;
}

/** Where the accepted steps of the block begin and end, for a hundred test digits. */
async function stepsOf({ training, test }: TrainedMnist): Promise<readonly number[]> {
  if (training.network.depth === undefined) return [];
  const examples = Array.from({ length: Math.min(100, test.count) }, (_, i) => i);
  const { pictures, labels } = digitTensors(test, examples);
  const { times } = await training.network.depth(training.params, pictures);
  pictures.dispose();
  labels.dispose();
  return times;
}

function summaryOf({ options, training, trained, test }: TrainedMnist, accuracy: number) {
  const { model, backend, solver, gradient, rtol, atol, seed, batch, channels, epochs } = options;
  const { blocks, optimiser, crop } = options;
  const tests = trained.metrics.flatMap(({ testAccuracy }) => testAccuracy ?? []);
  return {
    command: 'mnist' as const,
    model,
    channels,
    blocks,
    parameters: parameterCount(training.params),
    backend,
    solver,
    gradient,
    ...(isAdaptive(solver) ? { rtol, atol } : {}),
    seed,
    batch,
    optimiser,
    crop,
    epochs,
    seconds: trained.seconds,
    iterations: trained.metrics.length,
    loss: trained.metrics.at(-1)?.loss ?? null,
    test: { accuracy, digits: test.count, byEpoch: tests },
    nfe: meanEvaluations(trained.metrics),
  };
}

function factsOf({ options, training, trained }: TrainedMnist): RunFacts {
  const nfe = meanEvaluations(trained.metrics);
  const continuous: [string, string][] = isContinuous(options)
    ? [
        ['solver', solverTitle(options)],
        ['gradient', options.gradient],
        [
          'evaluations a step',
          `${showCount(nfe.forward)} forward, ${showCount(nfe.backward)} backward`,
        ],
      ]
    : [];
  return {
    metrics: trained.metrics,
    lossCaption: 'The mean of −log p(label) of the digits of an iteration, in nats.',
    options: [
      ['data', options.data],
      ['model', `${options.model}, ${showCount(parameterCount(training.params))} parameters`],
      ['channels', String(options.channels)],
      ...continuous,
      ['backend', backendTitles[options.backend]],
      [
        'epochs',
        `${options.epochs}, of ${training.perEpoch} iterations with ${options.batch} digits`,
      ],
      ['optimiser', options.optimiser],
      ['digits moved by', `${options.crop} pixels at most`],
      ['training', showDuration(trained.seconds)],
      ['seed', String(options.seed)],
    ],
    command: commandLine('mnist', undefined, options),
  };
}
