/**
 * What both doors, `odeint` and `solveIvp`, ask of a call before they look at its parts: from JavaScript anything may
 * come.
 */
import { ArgumentError, Tensor } from '@neuralode/tensor';

interface Call {
  readonly field: unknown;
  readonly ts: unknown;
  readonly options: unknown;
}

/** How a value that has no business here is shown. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return `the function ${value.name || '() => …'}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Tensor) return String(value);
  if (ArrayBuffer.isView(value)) return value.constructor.name;
  if (value instanceof Promise) return 'a promise';
  if (Array.isArray(value)) {
    return value.length > 8 ? `a list of ${value.length}` : `[${value.map(shown).join(', ')}]`;
  }
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
}

/** Whether a value is an array or a typed one. */
export function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** An ArgumentError in the name of `who` where the field, the times or the options are not of their kind. */
export function requireCall({ field, ts, options }: Call, who: string): void {
  if (typeof field !== 'function') {
    throw new ArgumentError({
      what: `${who}: the field must be a function`,
      got: shown(field),
      remedy: 'Pass (t, y) => dy/dt, then y0 and the times',
    });
  }
  if (!isList(ts) && !(ts instanceof Tensor)) {
    throw new ArgumentError({
      what: `${who}: the times must be a list of numbers`,
      got: shown(ts),
      remedy: 'Pass [start, end], or all times of interest',
    });
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ArgumentError({
      what: `${who}: the options must be an object`,
      got: shown(options),
      remedy: 'Pass such as { rtol: 1e-8 }, or leave them out',
    });
  }
  requireSolver((options as { solver?: unknown }).solver, who);
}

function requireSolver(solver: unknown, who: string): void {
  if (solver === undefined || solver === null) return;
  const { kind } = solver as { kind?: unknown };
  if (kind === 'adaptive' || kind === 'fixed') return;
  const called = typeof solver === 'function' || typeof solver === 'string';
  const name = typeof solver === 'function' ? solver.name : solver;
  throw new ArgumentError({
    what: `${who}: solver is not a method`,
    got: shown(solver),
    remedy: `Import a method and pass what it makes: { solver: ${called && name ? name : 'dopri5'}() }`,
  });
}
