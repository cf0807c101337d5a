/** Reference solutions of the problems, as `npm run bench -- references` wrote them. */
import { readFileSync } from 'node:fs';

/** What an independent code found of a problem; see bench/peers/reference_problems.py. */
export interface Reference {
  /** The states at the problem's times after the first. */
  readonly ys: readonly (readonly number[])[];
  /**
   * How far errors of one tolerance each, made anywhere on the way to one of those times, can grow by then: the largest
   * spectral norm of the derivative of that state by an earlier one, both in units of smallness + |y|.
   */
  readonly conditions: readonly number[];
  /** The largest difference from the second code, relative to smallness + |y|. */
  readonly agreement: number;
  /** The same from the published components. */
  readonly published: number;
}

interface ReferenceFile {
  readonly problems: Readonly<Record<string, Reference>>;
}

function read(name: string): ReferenceFile {
  const file = new URL(`../references/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as ReferenceFile;
}

/** The references of a set of problems, by the problems' names. */
export function references(set: 'detest' | 'stiff'): Readonly<Record<string, Reference>> {
  return read(set).problems;
}
