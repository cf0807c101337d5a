/**
 * Options that do not exist are refused: one mistyped would otherwise be ignored without a word.
 */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from './call.ts';

/** What every solve may be told. */
const common = [
  'solver',
  'maxSteps',
  'onSolve',
  'onStep',
  'signal',
  'throwOnFailure',
  'rtol',
  'atol',
  'firstStep',
  'minStep',
  'maxStep',
  'controller',
  'norm',
  'stepSize',
  'stepAt',
  'jumpAt',
  'events',
  'output',
  'dense',
];

export const odeintOptions: readonly string[] = [...common, 'args', 'batched', 'gradient', 'save'];
export const solveIvpOptions: readonly string[] = common;

/** Levenshtein's distance, with upper and lower case alike. */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[to.length];
}

/** What others call these. */
const synonyms: Readonly<Record<string, string>> = {
  method: 'solver',
  tol: 'rtol',
  reltol: 'rtol',
  abstol: 'atol',
  dt: 'stepSize',
  h: 'stepSize',
  step_size: 'stepSize',
  dt0: 'firstStep',
  max_num_steps: 'maxSteps',
  saveat: 'output',
  t_eval: 'output',
  params: 'args',
};

function nearest(name: string, known: readonly string[]): string | undefined {
  const synonym = synonyms[name.toLowerCase()];
  if (synonym !== undefined && known.includes(synonym)) return synonym;
  const ranked = known
    .map((each) => ({ each, far: distance(name, each) }))
    .sort((a, b) => a.far - b.far);
  return ranked[0].far <= Math.max(2, name.length / 3) ? ranked[0].each : undefined;
}

/** What some options must be, where anything may come from JavaScript. */
interface Kind {
  readonly expected: string;
  readonly remedy: string;
  fits(value: unknown): boolean;
}

const aFunction: Kind = {
  expected: 'a function',
  remedy: 'Pass one, or leave it out',
  fits: (value) => typeof value === 'function',
};
const yesOrNo: Kind = {
  expected: 'true or false',
  remedy: 'Pass one of them, or leave it out',
  fits: (value) => typeof value === 'boolean',
};
const kinds: Readonly<Record<string, Kind>> = {
  onSolve: aFunction,
  save: aFunction,
  dense: yesOrNo,
  throwOnFailure: yesOrNo,
  batched: yesOrNo,
  gradient: {
    expected: 'a method of @neuralode/adjoint',
    remedy: 'Pass what it makes: { gradient: direct() }',
    fits: (value) => typeof (value as { vjp?: unknown } | null)?.vjp === 'function',
  },
};

/** Throws where an option is not of its kind: one that only seems to be off would be on. */
export function requireKinds(options: object, who: string): void {
  for (const [name, { expected, remedy, fits }] of Object.entries(kinds)) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || fits(value)) continue;
    throw new ArgumentError({
      what: `${who}: ${name} is not what it must be`,
      got: shown(value),
      expected,
      remedy,
    });
  }
}

/** Throws where `options` has a name that is not known. */
export function requireKnownOptions(options: object, known: readonly string[], who: string): void {
  const stranger = Object.entries(options).find(
    ([name, value]) => value !== undefined && !known.includes(name),
  );
  if (stranger === undefined) return;
  const [name] = stranger;
  const meant = nearest(name, known);
  throw new ArgumentError({
    what: `${who}: there is no option ${name}`,
    remedy: meant === undefined ? `There are ${known.join(', ')}` : `Did you mean ${meant}?`,
  });
}
