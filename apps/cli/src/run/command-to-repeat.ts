/** The command line that does a run again, every option spelled out. */
import type { ModelOptions } from '../options.ts';
import { isAdaptive } from '../solve-options.ts';
import { invocation } from '../terminal.ts';
import type { CommandName } from './run-record.ts';

export function commandLine(
  command: CommandName,
  file: string | undefined,
  options: ModelOptions,
): string {
  const adaptive = isAdaptive(options.solver);
  const flags = Object.entries(options)
    .filter(([name, value]) => value !== undefined && (adaptive || !/^[ra]tol$/.test(name)))
    .map(([name, value]) => `--${kebab(name)} ${quoted(String(value))}`);
  const words = [invocation(), command, ...(file === undefined ? [] : [quoted(file)]), ...flags];
  return words.join(' ');
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** As a shell reads it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
