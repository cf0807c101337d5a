/** The options of a run that is continued: those it began with, but for such as say how it is gone on with. */
import { InputError } from '../failure.ts';
import type { Request } from '../options.ts';
import type { RunFolder } from './run-folder.ts';

const ofTheCall = new Set(['out', 'resume', 'json']);

/** More epochs; and what a run that failed may need to get on: tighter or looser solves, smaller steps; and who shares the work. */
const changeable = new Set(['epochs', 'rtol', 'atol', 'learningRate', 'threads']);

/** Any other option given anew must be the old one: with another, it would be another run. */
export function continuedOptions<Options extends { epochs: number }>(
  { path, record }: RunFolder,
  { options, given }: Request<Options>,
): Options {
  const stored = record.options as unknown as Options;
  for (const name of given) {
    if (ofTheCall.has(name) || changeable.has(name)) continue;
    const [now, then] = [options, stored].map((all) => JSON.stringify(all[name as keyof Options]));
    if (now === then) continue;
    throw new InputError(
      `--${kebab(name)} ${now} differs from the run in ${path}, which began with ${then ?? 'none'}; ` +
        'a run goes on with its own options, only --epochs, --rtol, --atol, --learning-rate and --threads may change.',
    );
  }
  const changed = [...given].filter((name) => changeable.has(name));
  return {
    ...stored,
    ...Object.fromEntries(changed.map((name) => [name, options[name as keyof Options]])),
  };
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
