/** `fit`: a table in, a trained neural ODE, its figures and its report out. */
import { resolve } from 'node:path';
import { useBackend } from '../backend.ts';
import { exitCodes, InputError } from '../failure.ts';
import type { FitOptions, Request } from '../options.ts';
import { fromCheckpoint } from '../run/checkpoint.ts';
import { continuedOptions } from '../run/continued-options.ts';
import { finishRun } from '../run/finish.ts';
import {
  folderOfRun,
  openRunFolder,
  type RunFolder,
  requireFreeFolder,
} from '../run/run-folder.ts';
import { type DataRecord, newRecord, sha256 } from '../run/run-record.ts';
import { requireRoom, trainInterruptibly } from '../run/session.ts';
import { requireFittingOptions } from '../solve-options.ts';
import { readTable } from '../table/read-table.ts';
import type { Table } from '../table/table.ts';
import type { Terminal } from '../terminal.ts';
import { FitModel } from './fit-model.ts';
import { type Fitted, fitOutcome } from './fit-outcome.ts';
import { FitTraining } from './fit-training.ts';
import { gainText } from './gain.ts';
import { cutSegments } from './segments.ts';
import { prepareSeries } from './series.ts';
import { shippedForecastFrom, shippedTable, shownPath, subjectOf } from './shipped-table.ts';
import { countTrainingRows } from './split.ts';

/** What is asked for, with the table read and the options complete. */
interface Plan {
  readonly options: FitOptions;
  readonly table: Table;
  readonly data: DataRecord;
  /** Present where a run is continued. */
  readonly folder?: RunFolder;
}

/** The handler of the command. */
export function runFit(terminal: Terminal) {
  return async (file: string | undefined, request: Request<FitOptions>): Promise<number> => {
    const plan = await (request.flags.resume ? continuedPlan : newPlan)(file, request);
    requireFittingOptions(plan.options, request.given);
    const series = prepareSeries(plan.table, countTrainingRows(plan.table, plan.options));
    await useBackend(plan.options.backend);
    const segments = cutSegments(series);
    const model = new FitModel(series, segments, plan.options);
    const training = await fromCheckpoint(
      plan.folder?.path,
      (bytes) => new FitTraining(model, segments, plan.options, bytes),
    );
    requireRoom(training);
    const folder = await folderOf(plan, request);
    announce(plan, series.trainRows, folder, terminal);
    const trained = await trainInterruptibly(training, folder, terminal, 'fit');
    if (trained.stopped) return exitCodes.stopped;
    const { params } = training;
    const fitted = { ...plan, series, segments, model, params, trained };
    const code = await finishRun(folder, await fitOutcome(fitted), request.flags, terminal);
    if (!request.flags.json) await tellGain(fitted, training, terminal);
    return code;
  };
}

/** Once all is written. A fit is none the worse where there is nothing to compare it with: then nothing is said. */
async function tellGain(fitted: Fitted, training: FitTraining, { stderr }: Terminal) {
  const gained = await gainText(fitted, training).catch(() => undefined);
  if (gained !== undefined) stderr.write(`${gained}\n`);
}

async function newPlan(file: string | undefined, request: Request<FitOptions>): Promise<Plan> {
  const { options, flags } = request;
  await requireFreeFolder(flags.out);
  const path = file ?? shippedTable;
  const { table, bytes } = await readTable(shownPath(path), options.columns);
  const split = options.trainUntil !== undefined || options.holdout !== undefined;
  const until = file === undefined && !split ? { trainUntil: shippedForecastFrom } : {};
  const data = { file: resolve(path), sha256: sha256(bytes) };
  return { options: { ...options, ...until }, table, data };
}

async function continuedPlan(
  file: string | undefined,
  request: Request<FitOptions>,
): Promise<Plan> {
  const folder = await openRunFolder(request.flags.out, 'fit');
  const { data } = folder.record;
  if (data === undefined) throw new InputError(`${folder.path}: its record names no table.`);
  const options = continuedOptions(folder, request);
  const path = shownPath(file ?? data.file);
  const { table, bytes } = await readTable(path, options.columns);
  if (sha256(bytes) !== data.sha256) {
    const what =
      file === undefined ? 'has changed since the run began' : 'is not the one of the run';
    throw new InputError(`${path}: the table ${what} in ${folder.path}; start a new run.`);
  }
  return { options, table, data, folder };
}

async function folderOf(
  { folder, options, data }: Plan,
  { flags, command }: Request<FitOptions>,
): Promise<RunFolder> {
  const record = newRecord(command, { ...options }, data);
  return folderOfRun(folder, record, subjectOf(data.file), flags.out);
}

function announce(plan: Plan, trainRows: number, folder: RunFolder, { stderr }: Terminal): void {
  const { table } = plan;
  const ahead = table.times.length - trainRows;
  stderr.write(
    `${table.file}: ${table.columns.join(', ')}; ${trainRows} rows to train on, ${ahead} to forecast\n`,
  );
  for (const note of table.notes) stderr.write(`${note}\n`);
  stderr.write(`run folder: ${folder.path}\n`);
}
