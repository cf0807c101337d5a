/** `paper`: a figure of the paper, done again, as a page with its figures. */
import { useBackend } from '../backend.ts';
import { exitCodes } from '../failure.ts';
import type { PaperFigure, PaperOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { augmented } from './augmented/augmented.ts';
import { figure3 } from './figure-3/figure-3.ts';
import { figure4 } from './figure-4.ts';
import { figure5 } from './figure-5.ts';
import { memory } from './memory/memory.ts';
import { type ResultPage, writePage } from './page.ts';
import { table1 } from './table-1/table-1.ts';
import { toys } from './toys.ts';

/** Makes a page; none where Ctrl-C stopped a training behind it, which a later call goes on with. */
type Maker = (options: PaperOptions, terminal: Terminal) => Promise<ResultPage | undefined>;

const makers: Readonly<Record<PaperFigure, Maker>> = {
  augmented,
  'figure-3': figure3,
  'figure-4': figure4,
  'figure-5': figure5,
  memory,
  'table-1': table1,
  toys,
};

/** The handler of the command. */
export function runPaper(terminal: Terminal) {
  return async (options: PaperOptions): Promise<number> => {
    await useBackend(options.backend, options.threads);
    const page = await makers[options.figure](options, terminal);
    if (page === undefined) return exitCodes.stopped;
    terminal.stdout.write(`written: ${await writePage(page, options.backend, options.out)}\n`);
    return page.stopped ? exitCodes.stopped : exitCodes.success;
  };
}
