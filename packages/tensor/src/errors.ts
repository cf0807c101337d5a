/**
 * What a user reads when something is refused: what happened, what was got, what was expected, and the remedy.
 * Every error that the project throws on purpose extends `NeuralodeError`, so one `catch` can tell ours from a bug.
 */

/** The four parts of a message. `got`, `expected` and `remedy` are left out where they would repeat `what`. */
export interface Complaint {
  readonly what: string;
  readonly got?: string;
  readonly expected?: string;
  readonly remedy?: string;
}

function sentence({ what, got, expected, remedy }: Complaint): string {
  let text = what;
  if (got !== undefined) text += `; got ${got}`;
  if (expected !== undefined) text += `; expected ${expected}`;
  if (remedy !== undefined) text += `. ${remedy}`;
  return /[.?]$/.test(text) ? text : `${text}.`;
}

/** Base of every error thrown on purpose. */
export class NeuralodeError extends Error {
  readonly complaint: Complaint;

  constructor(complaint: Complaint, options?: ErrorOptions) {
    super(sentence(complaint), options);
    this.name = new.target.name;
    this.complaint = complaint;
  }
}

/** Shapes that do not fit together. */
export class ShapeError extends NeuralodeError {}

/** Element types that do not fit together, or that the device does not have. */
export class DTypeError extends NeuralodeError {}

/** An argument outside its range. */
export class ArgumentError extends NeuralodeError {}

/** Something that cannot be done while a function is being recorded, or with a recording that has ended. */
export class RecordingError extends NeuralodeError {}

/** A tensor used after `dispose()`. */
export class DisposedError extends NeuralodeError {}

/** No backend, or one that lacks what is asked of it. */
export class BackendError extends NeuralodeError {}

/** `[2, 3]` as a user would write it. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
