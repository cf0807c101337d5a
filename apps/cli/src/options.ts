/** The options of the commands, typed, and how their texts are read. */
import { InvalidArgumentError } from 'commander';
import type { CommandName } from './run/run-record.ts';

export const backendNames = ['simd', 'wasm', 'node-gpu', 'reference'] as const;
export const solverNames = [
  'euler',
  'midpoint',
  'heun',
  'ralston',
  'rk4',
  'rk38',
  'heunEuler',
  'bosh3',
  'dopri5',
  'tsit5',
  'vern7',
  'dop853',
] as const;
export const gradientNames = ['backsolve', 'checkpointed', 'direct'] as const;

export type BackendName = (typeof backendNames)[number];
export type SolverName = (typeof solverNames)[number];
export type GradientName = (typeof gradientNames)[number];

/** What decides a run's numbers, in every command. */
export interface ModelOptions {
  readonly backend: BackendName;
  readonly solver: SolverName;
  readonly gradient: GradientName;
  readonly rtol: number;
  readonly atol: number;
  readonly epochs: number;
  readonly seed: number;
}

export interface FitOptions extends ModelOptions {
  /** Value columns to take; all, if absent. */
  readonly columns?: readonly string[];
  /** A time of the table, as the person wrote it. */
  readonly trainUntil?: string;
  /** Fraction of the rows at the end that is forecast. */
  readonly holdout?: number;
  readonly hidden: number;
  /** State dimensions beside the columns; chosen by the number of columns, if absent. */
  readonly augment?: number;
}

export const pointChoices = ['30', '50', '100'] as const;

export interface SpiralsOptions extends ModelOptions {
  /** Of 100 times, how many each spiral is observed at. */
  readonly points: number;
}

export const cnfDataNames = [
  'two-moons',
  'two-circles',
  'eight-gaussians',
  'pinwheel',
  'two-spirals',
  'checkerboard',
  'rings',
  'swiss-roll',
] as const;
export const cnfFieldNames = ['planar', 'concatsquash'] as const;
export const cnfTrainingNames = ['likelihood', 'flow-matching'] as const;
export const cnfTraceNames = ['auto', 'hutchinson'] as const;

export type CnfDataName = (typeof cnfDataNames)[number];

export interface CnfOptions extends ModelOptions {
  readonly data: CnfDataName;
  readonly field: (typeof cnfFieldNames)[number];
  /** Hidden units: of the planar field, or of each of two layers. */
  readonly width: number;
  readonly training: (typeof cnfTrainingNames)[number];
  /** Of training; `auto` is exact. */
  readonly trace: (typeof cnfTraceNames)[number];
}

export const mnistModelNames = ['mlp', 'resnet', 'rknet', 'odenet'] as const;
export type MnistModelName = (typeof mnistModelNames)[number];

export const mnistOptimiserNames = ['adam', 'sgd'] as const;

export interface MnistOptions extends ModelOptions {
  /** Folder of the four files. */
  readonly data: string;
  readonly model: MnistModelName;
  /** Digits in an iteration. */
  readonly batch: number;
  readonly channels: number;
  /** Of the residual network. */
  readonly blocks: number;
  readonly optimiser: (typeof mnistOptimiserNames)[number];
  /** The first one; the optimiser's usual, if absent. */
  readonly learningRate?: number;
  /** Pixels by which the pictures of an iteration are moved at random. */
  readonly crop: number;
  /** Threads of the simd backend; one, if absent. */
  readonly threads?: number;
}

export const paperFigures = [
  'augmented',
  'figure-3',
  'figure-4',
  'figure-5',
  'memory',
  'table-1',
  'toys',
] as const;
export type PaperFigure = (typeof paperFigures)[number];

/** What `paper` is told. */
export interface PaperOptions {
  readonly figure: PaperFigure;
  readonly seed: number;
  /** By which the usual numbers of iterations are multiplied. */
  readonly effort: number;
  /** Folder of the page. */
  readonly out: string;
  readonly backend: BackendName;
  /** Of the simd backend; one, if absent. */
  readonly threads?: number;
  /** Folder of the four files of the digits. */
  readonly data?: string;
  /** Of the convolutions; the figure's usual number, if absent. */
  readonly channels?: number;
  /** Passes through all digits; the figure's usual number, if absent. */
  readonly epochs?: number;
  /** Folder of the runs behind a figure; `runs/<figure>`, if absent. */
  readonly runs?: string;
  /** Of the trainings behind a table. */
  readonly seeds: readonly number[];
  readonly optimiser: (typeof mnistOptimiserNames)[number];
  /** Pixels by which the pictures of an iteration are moved at random. */
  readonly crop: number;
  /** Whether to train also what shows the worth of the ODE block. */
  readonly worth: boolean;
}

/** `--effort`. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** What decides where a run goes and how it is told, but not its numbers. */
export interface RunFlags {
  readonly out?: string;
  readonly resume: boolean;
  readonly json: boolean;
}

/** A command as it was asked for. */
export interface Request<Options> {
  readonly command: CommandName;
  readonly options: Options;
  readonly flags: RunFlags;
  /** The options that stand on the command line, by their names in `Options`. */
  readonly given: ReadonlySet<string>;
}

/** `--seed`. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a whole number, 0 or more.');
}

/** `--epochs`, `--hidden`. */
export function positiveWholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number, 1 or more.');
}

/** `--rtol`, `--atol`. */
export function tolerance(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a number between 0 and 1, such as 1e-5.');
}

/** `--holdout`. */
export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a fraction of the rows, 0 or more and less than 1.');
}

/** `--seeds 0,1,2`. */
export function wholeNumbers(text: string): readonly number[] {
  const numbers = text.split(',').map(wholeNumber);
  if (new Set(numbers).size === numbers.length) return numbers;
  throw new InvalidArgumentError('It must be different whole numbers, separated by commas.');
}

/** `--columns Lynx,Hare`. */
export function nameList(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return names;
  throw new InvalidArgumentError('It must be names of columns, separated by commas.');
}
