/** What can be typed: commands, options, help. Reading only; the commands themselves live elsewhere. */
import { Argument, Command, CommanderError, Option } from 'commander';
import { InputError } from './failure.ts';
import {
  backendNames,
  type CnfDataName,
  type CnfOptions,
  cnfDataNames,
  cnfFieldNames,
  cnfTraceNames,
  cnfTrainingNames,
  type FitOptions,
  fraction,
  type GradientName,
  gradientNames,
  type MnistOptions,
  mnistModelNames,
  mnistOptimiserNames,
  nameList,
  type PaperOptions,
  pointChoices,
  positiveNumber,
  positiveWholeNumber,
  type Request,
  type RunFlags,
  type SpiralsOptions,
  solverNames,
  tolerance,
  wholeNumber,
} from './options.ts';
import { paperCommand } from './paper/paper-typed.ts';
import type { CommandName } from './run/run-record.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

/** What a command does once its options are read; gives the exit code. */
export interface Handlers {
  /** `file` is absent where the shipped table is meant, or that of the run to resume. */
  fit(file: string | undefined, request: Request<FitOptions>): Promise<number>;
  spirals(request: Request<SpiralsOptions>): Promise<number>;
  cnf(request: Request<CnfOptions>): Promise<number>;
  mnist(request: Request<MnistOptions>): Promise<number>;
  paper(options: PaperOptions): Promise<number>;
}

/** Reads the arguments and runs the command; the exit code, or an error to describe. */
export async function runCommandLine(
  args: readonly string[],
  handlers: Handlers,
  terminal: Terminal,
): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(handlers, (code) => {
    exitCode = code;
  });
  quiet(program, terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw new InputError(oneSentence(error.message));
  }
  return exitCode;
}

function buildProgram(handlers: Handlers, done: (code: number) => void): Command {
  const program = new Command('neuralode')
    .usage('[command] [options]')
    .description(
      'Trains neural ordinary differential equations. Without a command: fits the shipped counts of lynx and hare.',
    )
    .version(version(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .showSuggestionAfterError(true)
    .addHelpText('after', examples);
  program.addCommand(fitCommand(handlers, done));
  program.addCommand(spiralsCommand(handlers, done));
  program.addCommand(cnfCommand(handlers, done));
  program.addCommand(mnistCommand(handlers, done));
  program.addCommand(paperCommand(async (options) => done(await handlers.paper(options))));
  return program;
}

const examples = `
Each run writes a folder below runs/: report.html, summary.json, metrics.jsonl, a checkpoint.

Examples:
  neuralode                              the shipped table, forecast from 1914 to 1920
  neuralode fit data.csv --holdout 0.3   a table of yours, its last 30 % forecast
  neuralode spirals --points 30          the paper's latent ODE on its spirals, beside an RNN
  neuralode cnf two-moons                a normalizing flow, with its density and its samples
  neuralode mnist --data digits          handwritten digits by an ODE-Net
  neuralode --resume                     go on with the newest run
  neuralode fit --help                   every option of a command`;

function fitCommand(handlers: Handlers, done: (code: number) => void): Command {
  const command = new Command('fit')
    .description(
      'Fits a neural ODE to a table: the first column is time (numbers or dates, at any distances), the others are ' +
        'values; empty cells are missing values.',
    )
    .argument('[file]', 'a CSV table (default: the shipped counts of lynx and hare)');
  const until = new Option(
    '--train-until <time>',
    'train up to this time, forecast what comes after',
  );
  const holdout = new Option(
    '--holdout <fraction>',
    'or: forecast this fraction of the rows, at the end (default: 0.2)',
  ).argParser(fraction);
  command
    .addOption(
      new Option(
        '--columns <names>',
        'columns to fit, with commas between (default: all)',
      ).argParser(nameList),
    )
    .addOption(until.conflicts('holdout'))
    .addOption(holdout)
    .addOption(
      new Option('--hidden <units>', 'hidden units of the field')
        .argParser(positiveWholeNumber)
        .default(32),
    )
    .addOption(
      new Option(
        '--augment <count>',
        'unobserved dimensions of the state (default: 2 for a single column, else 0)',
      ).argParser(wholeNumber),
    );
  addModelOptions(command, { epochs: 600, rtol: 1e-4, atol: 1e-5 });
  addRunFlags(command);
  return command.action(async (file: string | undefined) => {
    done(await handlers.fit(file, requestOf<FitOptions>(command, 'fit')));
  });
}

function spiralsCommand(handlers: Handlers, done: (code: number) => void): Command {
  const command = new Command('spirals').description(
    'Trains a latent ODE on noisy spirals seen at irregular times, beside an RNN trained in turns with it for the ' +
      'same wall time; --epochs counts the updates of the latent ODE.',
  );
  command.addOption(
    new Option('--points <count>', 'how many of its 100 times each spiral is observed at')
      .choices(pointChoices)
      .default('30'),
  );
  addModelOptions(command, { epochs: 3000, rtol: 1e-3, atol: 1e-4 });
  addRunFlags(command);
  return command.action(async () => {
    const request = requestOf<SpiralsOptions>(command, 'spirals');
    const points = Number(request.options.points);
    done(await handlers.spirals({ ...request, options: { ...request.options, points } }));
  });
}

function cnfCommand(handlers: Handlers, done: (code: number) => void): Command {
  const command = new Command('cnf')
    .description(
      'Trains a continuous normalizing flow on a toy distribution of the plane, and shows its density, its samples and ' +
        'its way through time.',
    )
    .addArgument(
      new Argument('[data]', 'the distribution (default: two-moons)').choices(cnfDataNames),
    )
    .addOption(
      new Option('--training <name>', 'through the solve, or by regression on straight paths')
        .choices(cnfTrainingNames)
        .default('likelihood'),
    )
    .addOption(
      new Option('--field <name>', 'the paper’s planar field, or FFJORD’s layers')
        .choices(cnfFieldNames)
        .default('planar'),
    )
    .addOption(
      new Option('--width <units>', 'hidden units').argParser(positiveWholeNumber).default(64),
    )
    .addOption(
      new Option('--trace <name>', 'trace in training: exact, or estimated')
        .choices(cnfTraceNames)
        .default('auto'),
    );
  addModelOptions(command, { epochs: 1000, rtol: 1e-4, atol: 1e-5 });
  addRunFlags(command);
  return command.action(async (data: CnfDataName | undefined) => {
    const { options, given, ...request } = requestOf<CnfOptions>(command, 'cnf');
    done(
      await handlers.cnf({
        ...request,
        options: { ...options, data: data ?? 'two-moons' },
        given: new Set(data === undefined ? given : [...given, 'data']),
      }),
    );
  });
}

function mnistCommand(handlers: Handlers, done: (code: number) => void): Command {
  const command = new Command('mnist')
    .description(
      'Trains an ODE-Net on handwritten digits, or a network that the paper compares it with. --epochs counts passes ' +
        'through all digits; of --model rknet the gradient is direct, unless told otherwise.',
    )
    .option('--data <folder>', 'with the four files of the MNIST digits (idx, gzipped or not)')
    .addOption(
      new Option('--model <name>', 'the network').choices(mnistModelNames).default('odenet'),
    )
    .addOption(
      new Option('--batch <count>', 'digits in an iteration')
        .argParser(positiveWholeNumber)
        .default(128),
    )
    .addOption(
      new Option('--channels <count>', 'of the convolutions; the paper’s example has 64')
        .argParser(positiveWholeNumber)
        .default(16),
    )
    .addOption(
      new Option('--blocks <count>', 'of --model resnet; 0 for what stands around them alone')
        .argParser(wholeNumber)
        .default(6),
    )
    .addOption(
      new Option('--optimiser <name>', 'sgd has momentum, and a rate that falls in three steps')
        .choices(mnistOptimiserNames)
        .default('adam'),
    )
    .addOption(
      new Option(
        '--learning-rate <number>',
        'the first one (default: 0.03 of adam, 0.1 of sgd)',
      ).argParser(positiveNumber),
    )
    .addOption(
      new Option('--crop <pixels>', 'moves the digits of an iteration by up to so many')
        .argParser(wholeNumber)
        .default(0),
    )
    .addOption(
      new Option(
        '--threads <count>',
        'that share the work of --backend simd (default: 1)',
      ).argParser(positiveWholeNumber),
    );
  addModelOptions(command, { epochs: 2, rtol: 0.1, atol: 0.1, gradient: 'backsolve' });
  addRunFlags(command);
  return command.action(async () => {
    const request = requestOf<MnistOptions>(command, 'mnist');
    const { options, given } = request;
    const isThroughSteps = options.model === 'rknet' && !given.has('gradient');
    const gradient: GradientName = isThroughSteps ? 'direct' : options.gradient;
    done(await handlers.mnist({ ...request, options: { ...options, gradient } }));
  });
}

interface ModelDefaults {
  readonly epochs: number;
  readonly rtol: number;
  readonly atol: number;
  /** Default `direct`. */
  readonly gradient?: GradientName;
}

function addModelOptions(command: Command, defaults: ModelDefaults): void {
  const named = (flag: string, text: string) => new Option(flag, text);
  command
    .addOption(named('--backend <name>', 'what computes').choices(backendNames).default('simd'))
    .addOption(
      named('--solver <name>', 'integration method').choices(solverNames).default('dopri5'),
    )
    .addOption(
      named('--gradient <name>', 'by the adjoint equation, or through the steps')
        .choices(gradientNames)
        .default(defaults.gradient ?? 'direct'),
    )
    .addOption(
      named('--rtol <number>', 'relative tolerance').argParser(tolerance).default(defaults.rtol),
    )
    .addOption(
      named('--atol <number>', 'absolute tolerance').argParser(tolerance).default(defaults.atol),
    )
    .addOption(
      named('--epochs <count>', 'training iterations')
        .argParser(positiveWholeNumber)
        .default(defaults.epochs),
    )
    .addOption(named('--seed <number>', 'of the random numbers').argParser(wholeNumber).default(0));
}

function addRunFlags(command: Command): void {
  command
    .option('--out <folder>', 'folder of the run (default: a new one below runs/)')
    .option('--resume', 'go on with the run in --out, or with the newest one')
    .option('--json', 'print the summary as one line of JSON and nothing else');
}

function requestOf<Options>(command: Command, name: CommandName): Request<Options> {
  const all = command.opts<Options & Partial<RunFlags>>();
  const { out, resume = false, json = false, ...options } = all;
  const given = Object.keys(all).filter((key) => command.getOptionValueSource(key) === 'cli');
  const flags = { resume, json, ...(out === undefined ? {} : { out }) };
  return { command: name, options: options as Options, flags, given: new Set(given) };
}

/** Help goes to stdout; what is wrong is thrown, and told in one place with everything else. */
function quiet(program: Command, { stdout }: Terminal): void {
  for (const command of [program, ...program.commands]) {
    command.exitOverride();
    command.configureHelp({ showGlobalOptions: false });
    command.configureOutput({ writeOut: (text) => stdout.write(text), writeErr: () => {} });
  }
}

/** commander's message in the manner of ours: `error: unknown option '--epoch'\n(Did you mean --epochs?)`. */
function oneSentence(message: string): string {
  const text = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
  return `${/[.?)]$/.test(text) ? text : `${text}.`} See --help.`;
}
