/** The options of a run that is continued: those it began with, and perhaps more epochs. */
import { InputError } from '../failure.ts';
import type { Request } from '../options.ts';
import type { RunFolder } from './run-folder.ts';

const ofTheCall = new Set(['out', 'resume', 'json']);

/** An option given anew must be the old one: with another, it would be another run. */
export function continuedOptions<Options extends { epochs: number }>(
  { path, record }: RunFolder,
  { options, given }: Request<Options>,
): Options {
  const stored = record.options as unknown as Options;
  for (const name of given) {
    if (ofTheCall.has(name) || name === 'epochs') continue;
    const [now, then] = [options, stored].map((all) => JSON.stringify(all[name as keyof Options]));
    if (now === then) continue;
    throw new InputError(
      `--${kebab(name)} ${now} differs from the run in ${path}, which began with ${then ?? 'none'}; ` +
        'a run goes on with its own options, only --epochs may change.',
    );
  }
  return given.has('epochs') ? { ...stored, epochs: options.epochs } : stored;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
