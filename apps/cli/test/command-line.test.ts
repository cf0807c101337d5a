import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { runCommandLine } from '../src/command-line.ts';
import { withCommand } from '../src/default-command.ts';
import { describeFailure, InputError, RunError } from '../src/failure.ts';
import type { FitOptions, Request } from '../src/options.ts';
import { commandLine } from '../src/run/command-to-repeat.ts';
import { continuedOptions } from '../src/run/continued-options.ts';

const stdout = new PassThrough() as unknown as NodeJS.WriteStream;
const terminal = { stdout, stderr: stdout };

/** What `fit` is asked for by a command line. */
async function asked(...args: string[]): Promise<{ file?: string; request: Request<FitOptions> }> {
  const requests: { file?: string; request: Request<FitOptions> }[] = [];
  const fit = async (file: string | undefined, request: Request<FitOptions>) => {
    requests.push({ ...(file === undefined ? {} : { file }), request });
    return 0;
  };
  const spirals = async () => 0;
  await runCommandLine(
    await withCommand(args),
    { fit, spirals, cnf: spirals, mnist: spirals, paper: spirals },
    terminal,
  );
  return requests[0]!;
}

describe('what is typed', () => {
  test('nothing: the shipped table with the defaults', async () => {
    const { file, request } = await asked();
    expect(file).toBeUndefined();
    expect(request.options).toMatchObject({ backend: 'simd', solver: 'dopri5', seed: 0 });
    expect(request.given.size).toBe(0);
    expect(request.flags).toEqual({ resume: false, json: false });
  });

  test('every option arrives, typed', async () => {
    const text =
      'fit a.csv --backend reference --solver rk4 --gradient backsolve --rtol 1e-3 --atol 1e-4 --epochs 7 --seed 3 ' +
      '--hidden 9 --augment 1 --columns A,B --train-until 1914 --out o --json';
    const { file, request } = await asked(...text.split(' '));
    expect(file).toBe('a.csv');
    expect(request.options).toEqual({
      backend: 'reference',
      solver: 'rk4',
      gradient: 'backsolve',
      rtol: 1e-3,
      atol: 1e-4,
      epochs: 7,
      seed: 3,
      hidden: 9,
      augment: 1,
      columns: ['A', 'B'],
      trainUntil: '1914',
    });
    expect(request.flags).toEqual({ out: 'o', resume: false, json: true });
    expect(request.given.has('seed')).toBe(true);
  });

  test.each([
    [['--epoch', '3'], /unknown option '--epoch'.*--epochs/],
    [['fitt'], /unknown command 'fitt'.*fit/],
    [['data.csv'], /no command "data.csv"; to fit a table: .* fit data.csv/],
    [['fit', 'a', 'b'], /too many arguments/],
    [['--backend', 'gpu'], /Allowed choices are simd, wasm, node-gpu, reference/],
    [['--seed', '1.5'], /whole number/],
    [['--epochs', '0'], /1 or more/],
    [['--rtol', '2'], /between 0 and 1/],
    [['--holdout', '1'], /less than 1/],
    [['--holdout', '0.1', '--train-until', '3'], /cannot be used with/],
    [['--columns', 'a,,b'], /separated by commas/],
  ])('%j is refused with a sentence', async (args, sentence) => {
    const refused = asked(...args);
    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toThrow(sentence);
  });
});

describe('failures', () => {
  test('bad input is 2, a failed run 1, neither with a stack', () => {
    expect(describeFailure(new InputError('no.'))).toEqual({
      text: 'neuralode: no.\n',
      exitCode: 2,
    });
    expect(describeFailure(new RunError('no.'))).toEqual({ text: 'neuralode: no.\n', exitCode: 1 });
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', path: 'x' });
    expect(describeFailure(full).text).toBe('neuralode: x: no space left on the disk.\n');
  });

  test('anything else is a bug, with its stack', () => {
    const { text, exitCode } = describeFailure(new TypeError('oops'));
    expect(exitCode).toBe(1);
    expect(text).toContain('this is a bug');
    expect(text).toContain('command-line.test.ts');
  });
});

const options: FitOptions = {
  backend: 'wasm',
  solver: 'dopri5',
  gradient: 'direct',
  rtol: 1e-4,
  atol: 1e-5,
  epochs: 10,
  seed: 0,
  hidden: 32,
};

describe('a continued run', () => {
  const folder = {
    path: 'runs/x',
    record: { format: 1, command: 'fit', options: { ...options }, started: '', versions: {} },
  } as const;
  const request = (changed: Partial<FitOptions>) => ({
    command: 'fit' as const,
    options: { ...options, ...changed },
    flags: { resume: true, json: false },
    given: new Set(['resume', ...Object.keys(changed)]),
  });

  test('keeps its options, and may be given more epochs', () => {
    expect(continuedOptions(folder, request({}))).toEqual(options);
    expect(continuedOptions(folder, request({ seed: 0 }))).toEqual(options);
    expect(continuedOptions(folder, request({ epochs: 20 }))).toEqual({ ...options, epochs: 20 });
    // a solve that failed may be asked for less
    expect(continuedOptions(folder, request({ rtol: 0.1 }))).toEqual({ ...options, rtol: 0.1 });
  });

  test('does not become another run', () => {
    expect(() => continuedOptions(folder, request({ seed: 1 }))).toThrow(
      '--seed 1 differs from the run in runs/x, which began with 0; a run goes on with its own options, only --epochs, --rtol, --atol, --learning-rate and --threads may change.',
    );
    expect(() => continuedOptions(folder, request({ trainUntil: '3' }))).toThrow(
      '--train-until "3" differs from the run in runs/x, which began with none',
    );
  });
});

test('the command that does a run again', () => {
  expect(
    commandLine('fit', "my data's.csv", { ...options, columns: ['A', 'B'] } as FitOptions),
  ).toBe(
    "neuralode fit 'my data'\\''s.csv' --backend wasm --solver dopri5 --gradient direct --rtol 0.0001 --atol 0.00001 --epochs 10 --seed 0 --hidden 32 --columns A,B",
  );
});
