/**
 * The paper's table 1: test error, parameters, memory, time of a step and evaluations of the four networks, from trainings
 * that lie in folders of their own. What is not finished is reported as far as it is.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parameterCount } from '@neuralode/odenet';
import { disposeTree } from '@neuralode/tensor';
import { digitTensors } from '../../mnist/digits.ts';
import { mnistModel } from '../../mnist/mnist-model.ts';
import { type DigitSets, readDigitSets } from '../../mnist/mnist-run.ts';
import { MnistTraining } from '../../mnist/mnist-training.ts';
import type { MnistOptions, PaperOptions } from '../../options.ts';
import { runFiles, runsFolder } from '../../run/run-folder.ts';
import type { Terminal } from '../../terminal.ts';
import { keptRun, requiredData } from '../kept-run.ts';
import { type StepNetwork, stepMemory, stepSeconds } from '../memory/step-memory.ts';
import type { ResultPage } from '../page.ts';
import {
  type Contestant,
  contestantsOf,
  trainingOptions,
  type WorthPair,
  worthPairs,
} from './contestants.ts';
import { type Reached, reachedIn } from './reached.ts';
import { table1Page } from './table-1-page.ts';

const usualEpochs = 3;

/** A network and what its trainings have reached; the others are there once a training has a checkpoint. */
export interface TableRow {
  readonly contestant: Contestant;
  readonly reached: readonly Reached[];
  readonly parameters?: number;
  /** Of a training step with the parameters of the first seed. */
  readonly peakBytes?: number;
  /** Of the processor, for loss and gradient with those. */
  readonly processorSeconds?: number;
}

export interface WorthRow {
  readonly channels: number;
  readonly without: TableRow;
  readonly with: TableRow;
}

export interface Table1 {
  readonly options: Omit<PaperOptions, 'figure' | 'effort' | 'out'> & { readonly epochs: number };
  readonly testDigits: number;
  readonly rows: readonly TableRow[];
  readonly worth: readonly WorthRow[];
}

/** Where the trainings lie, and what they are. */
interface Trainings {
  readonly options: Table1['options'];
  readonly data: string;
  readonly digits: DigitSets;
  readonly folder: (contestant: Contestant, seed: number) => string;
}

export async function table1(options: PaperOptions, terminal: Terminal): Promise<ResultPage> {
  const data = requiredData(options);
  const digits = await readDigitSets(data);
  const runs = options.runs ?? join(runsFolder, 'table-1');
  const trainings: Trainings = {
    options: { ...options, epochs: options.epochs ?? usualEpochs },
    data,
    digits,
    folder: ({ id }, seed) => join(runs, `${id}-seed-${seed}`),
  };
  const contestants = contestantsOf(options);
  const pairs = worthPairs(options);
  const stopped = await trainAll(
    trainings,
    [...contestants, ...(options.worth ? pairs.flatMap((pair) => [pair.without, pair.with]) : [])],
    terminal,
  );
  terminal.stderr.write('measuring memory and time of a step\n');
  const rows: TableRow[] = [];
  for (const contestant of contestants) rows.push(await rowOf(contestant, trainings));
  const worth: WorthRow[] = [];
  for (const pair of pairs) worth.push(await worthRowOf(pair, trainings));
  const page = table1Page({
    options: trainings.options,
    testDigits: digits.test.count,
    rows,
    worth: worth.filter(isReached),
  });
  return { ...page, stopped };
}

/** One seed of all networks after the other; whether Ctrl-C ended it. */
async function trainAll(
  { options, data, digits, folder }: Trainings,
  contestants: readonly Contestant[],
  terminal: Terminal,
): Promise<boolean> {
  const once = new Map(contestants.map((contestant) => [contestant.id, contestant]));
  for (const seed of options.seeds) {
    for (const contestant of once.values()) {
      const settings = trainingOptions(contestant, options, data, seed);
      const run = await keptRun(folder(contestant, seed), settings, digits, terminal);
      if (run === undefined) return true;
      disposeTree(run.training.params);
    }
  }
  return false;
}

async function worthRowOf(pair: WorthPair, trainings: Trainings): Promise<WorthRow> {
  return {
    channels: pair.channels,
    without: await rowOf(pair.without, trainings),
    with: await rowOf(pair.with, trainings),
  };
}

const isReached = (row: WorthRow): boolean =>
  row.with.reached.length > 0 && row.without.reached.length > 0;

async function rowOf(contestant: Contestant, trainings: Trainings): Promise<TableRow> {
  const { options, data, folder } = trainings;
  const reached = options.seeds.flatMap((seed) => {
    const settings = trainingOptions(contestant, options, data, seed);
    return reachedIn(folder(contestant, seed), seed, settings.batch) ?? [];
  });
  const first = reached[0];
  if (first === undefined) return { contestant, reached };
  const file = join(folder(contestant, first.seed), runFiles.checkpoint);
  // a killed training has none in its first seconds
  if (!existsSync(file)) return { contestant, reached };
  const settings = trainingOptions(contestant, options, data, first.seed);
  const checkpoint = await readFile(file);
  return { contestant, reached, ...(await costsOf(settings, trainings.digits, checkpoint)) };
}

async function costsOf(
  options: MnistOptions,
  digits: DigitSets,
  checkpoint: Uint8Array,
): Promise<Required<Pick<TableRow, 'parameters' | 'peakBytes' | 'processorSeconds'>>> {
  let parameters = 0;
  const step: StepNetwork = {
    backend: options.backend,
    network: (onSolve) => mnistModel(options, onSolve),
    params: () => {
      const { params } = new MnistTraining(options, digits, checkpoint);
      parameters = parameterCount(params);
      return params;
    },
    batch: () => {
      const examples = Array.from({ length: options.batch }, (_, i) => i);
      return digitTensors(digits.training, examples);
    },
  };
  const { peakBytes } = await stepMemory(step);
  return { parameters, peakBytes, processorSeconds: await stepSeconds(step) };
}
