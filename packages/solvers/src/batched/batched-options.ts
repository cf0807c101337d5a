/**
 * Which options a batched solve does not take.
 */
import { ArgumentError } from '@neuralode/tensor';
import type { ErrorNorm } from '../norms.ts';

/** What the loop of a batched solve does not do; each with the value that asks for nothing. */
const unavailable: readonly (readonly [name: string, idle?: boolean])[] = [
  ['events'],
  ['output'],
  ['dense', false],
  ['save'],
  ['throwOnFailure', true],
  ['stepAt'],
  ['jumpAt'],
  ['onStep'],
  ['signal'],
];

/** Throws where an option is given that a batched solve would not heed. */
export function requireBatchedOptions(options: object): void {
  const given = options as Readonly<Record<string, unknown>>;
  const wrong = unavailable.find(
    ([name, idle]) => given[name] !== undefined && given[name] !== idle,
  );
  if (wrong !== undefined) {
    throw new ArgumentError({
      what: `odeint: a batched solve does not take ${wrong[0]}`,
      remedy: 'Leave it out, or leave batched out, for one solve with common steps',
    });
  }
  const { norm } = given;
  if (norm === undefined || (norm as ErrorNorm).name === 'rms') return;
  throw new ArgumentError({
    what: 'odeint: in a batched solve the norm is the RMS of each row',
    remedy: 'Leave norm out, or leave batched out, for one solve with common steps',
  });
}
