/** `fit`: a table in, a trained neural ODE, its figures and its report out. */
import { InputError } from '../failure.ts';
import { useBackend } from '../backend.ts';
import type { FitOptions, Request } from '../options.ts';
import { readCheckpoint } from '../run/checkpoint.ts';
import { continuedOptions } from '../run/continued-options.ts';
import { finishRun } from '../run/finish.ts';
import { createRunFolder, openRunFolder, type RunFolder, requireFreeFolder } from '../run/run-folder.ts';
import { type DataRecord, newRecord, sha256 } from '../run/run-record.ts';
import { trainInterruptibly } from '../run/session.ts';
import { requireFittingOptions } from '../solve-options.ts';
import { readTable } from '../table/read-table.ts';
import type { Table } from '../table/table.ts';
import type { Terminal } from '../terminal.ts';
import { fitOutcome } from './fit-outcome.ts';
import { FitModel } from './fit-model.ts';
import { FitTraining } from './fit-training.ts';
import { prepareSeries, type Series } from './series.ts';
import { shippedTable, subjectOf } from './shipped-table.ts';
import { cutSegments } from './segments.ts';
import { countTrainingRows } from './split.ts';

/** What is asked of `fit`, with the table read and everything checked. */
interface Plan {
  readonly options: FitOptions;
  readonly data: DataRecord;
  readonly series: Series;
  /** Present where a run is continued. */
  readonly folder?: RunFolder;
}

/** The handler of the command. */
export function runFit(terminal: Terminal) {
  return async (file: string | undefined, request: Request<FitOptions>): Promise<number> => {
    const plan = request.flags.resume
      ? await continuedPlan(file, request)
      : await newPlan(file, request);
    await useBackend(plan.options.backend);
    const segments = cutSegments(plan.series);
    const model = new FitModel(plan.series, segments, plan.options);
    const checkpoint = plan.folder && (await readCheckpoint(plan.folder.path));
    const training = checkpoint.use((bytes) => new FitTraining(model, segments, plan.options, bytes));
    const folder = plan.folder ?? (await makeFolder(plan, request));
    const trained = await trainInterruptibly(training, folder, terminal, 'fit');
    if (trained.stopped) return exitCodes.stopped;
    const outcome = await fitOutcome({ ...plan, model, segments, params: training.params, trained, folder });
    return finishRun(folder, outcome, request.flags, terminal);
  };
}
