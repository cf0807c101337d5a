/** What can be typed after `paper`. */
import { Argument, Command, Option } from 'commander';
import { InputError } from '../failure.ts';
import {
  backendNames,
  mnistOptimiserNames,
  type PaperFigure,
  type PaperOptions,
  paperFigures,
  positiveNumber,
  positiveWholeNumber,
  wholeNumber,
  wholeNumbers,
} from '../options.ts';

type OptionName = Exclude<keyof PaperOptions, 'figure'>;

const always = ['seed', 'out', 'backend'] as const;
const ofTraining = [...always, 'effort'] as const;

/** The options that mean something to each. */
const meaningful: Readonly<Record<PaperFigure, readonly OptionName[]>> = {
  augmented: ofTraining,
  'figure-3': [...always, 'threads', 'data', 'channels', 'epochs', 'runs'],
  'figure-4': ofTraining,
  'figure-5': ofTraining,
  memory: [...always, 'channels'],
  'table-1': [
    'data',
    'seeds',
    'channels',
    'epochs',
    'optimiser',
    'crop',
    'worth',
    'runs',
    'backend',
    'threads',
    'out',
  ],
  toys: ofTraining,
};

export function paperCommand(run: (options: PaperOptions) => Promise<void>): Command {
  const command = new Command('paper')
    .description(
      'Makes a figure or a table of the paper again, FFJORD’s toys, or what augmented ODE-Nets learn, as a page with its ' +
        'figures. Takes minutes; those with --data train on digits, go on where they were stopped, and take longer.',
    )
    .addArgument(new Argument('<figure>', 'which').choices(paperFigures));
  for (const option of options()) command.addOption(option);
  return command.action(async (figure: PaperFigure) => {
    const idle = command.options
      .map((option) => option.attributeName() as OptionName)
      .filter((name) => command.getOptionValueSource(name) === 'cli')
      .find((name) => !meaningful[figure].includes(name));
    if (idle !== undefined) {
      throw new InputError(`--${idle} has no effect on ${figure}; leave it out.`);
    }
    await run({ figure, ...command.opts<Omit<PaperOptions, 'figure'>>() });
  });
}

function options(): Option[] {
  return [
    new Option('--seed <number>', 'of the random numbers').argParser(wholeNumber).default(0),
    new Option('--effort <factor>', 'multiplies the numbers of iterations')
      .argParser(positiveNumber)
      .default(1),
    new Option('--data <folder>', 'with the four files of the MNIST digits'),
    new Option('--channels <count>', 'of the convolutions').argParser(positiveWholeNumber),
    new Option('--epochs <count>', 'passes through all digits').argParser(positiveWholeNumber),
    new Option('--runs <folder>', 'of the trainings behind a figure (default: runs/<figure>)'),
    new Option('--seeds <numbers>', 'one training for each')
      .argParser(wholeNumbers)
      .default([0, 1, 2], '0,1,2'),
    new Option('--optimiser <name>', 'sgd has momentum, and a rate that falls in three steps')
      .choices(mnistOptimiserNames)
      .default('sgd'),
    new Option('--crop <pixels>', 'moves the digits of an iteration by up to so many')
      .argParser(wholeNumber)
      .default(4),
    new Option(
      '--worth',
      'also trains networks without the block, and with 8 and 16 channels',
    ).default(false),
    new Option('--backend <name>', 'what computes').choices(backendNames).default('simd'),
    new Option('--threads <count>', 'that share the work of the simd backend').argParser(
      positiveWholeNumber,
    ),
    new Option('--out <folder>', 'folder of the page').default('docs/results'),
  ];
}
