/** The README: every public name in it. Its program is run with those of the other packages, by the command line's tests. */
import { readFileSync } from 'node:fs';
import * as published from '@neuralode/odenet';
import { expect, it } from 'vitest';

it('names all that is public', () => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const missing = Object.keys(published).filter((name) => !text.includes(`\`${name}`));
  expect(missing).toEqual([]);
});
