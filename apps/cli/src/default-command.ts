/** The command of a command line that names none. */
import { parseArgs } from 'node:util';
import { InputError } from './failure.ts';
import { openRunFolder } from './run/run-folder.ts';
import { invocation } from './terminal.ts';

const ofTheProgram = new Set(['-h', '--help', '-V', '--version']);

/** Puts in the command that is meant: `fit`, or with `--resume` that of the run to go on with. */
export async function withCommand(args: readonly string[]): Promise<readonly string[]> {
  const [first] = args;
  if (first !== undefined && /[./\\]/.test(first) && !first.startsWith('-')) {
    throw new InputError(
      `there is no command "${first}"; to fit a table: ${invocation()} fit ${first}`,
    );
  }
  if (first !== undefined && (!first.startsWith('-') || ofTheProgram.has(first))) return args;
  if (!args.includes('--resume')) return ['fit', ...args];
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: { out: { type: 'string' } },
  });
  const out = typeof values.out === 'string' ? values.out : undefined;
  const { record } = await openRunFolder(out, undefined);
  return [record.command, ...args];
}
