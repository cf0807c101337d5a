/**
 * What the person reads when a command cannot go on, and the exit code that a script sees:
 * 2 for a mistake in what was asked (an option, a table, a folder), 1 for a run that failed,
 * 130 for one that was stopped. Anything else is a bug of ours, and is shown with its stack.
 */
import { NeuralodeError } from '@neuralode/tensor';

/** Something in the request is wrong; nothing was written. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** The run itself failed; what it wrote until then is kept. */
export class RunError extends Error {
  override readonly name = 'RunError';
}

export const exitCodes = { success: 0, runFailed: 1, badInput: 2, stopped: 130 } as const;

export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

/** The text for stderr and the exit code of an error. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof InputError) {
    return { text: `neuralode: ${error.message}\n`, exitCode: exitCodes.badInput };
  }
  if (error instanceof RunError || error instanceof NeuralodeError) {
    return { text: `neuralode: ${error.message}\n`, exitCode: exitCodes.runFailed };
  }
  const systemText = describeSystemError(error);
  if (systemText !== undefined) {
    return { text: `neuralode: ${systemText}\n`, exitCode: exitCodes.runFailed };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    text: `neuralode: this is a bug, please report it with the lines below.\n${detail}\n`,
    exitCode: exitCodes.runFailed,
  };
}

const systemReasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ENOENT: 'it was removed while the command ran',
  EMFILE: 'too many open files',
  EIO: 'the disk cannot be read or written',
};

/** A full disk or a missing permission is the machine's state, not a bug. */
export function describeSystemError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? undefined : systemReasons[code];
  if (reason === undefined) return undefined;
  return `${path ?? 'a file'}: ${reason}.`;
}
