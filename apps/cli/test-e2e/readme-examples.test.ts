/**
 * The programs in the READMEs run as they stand: each ts block that imports something is a whole program, in the part
 * of the language that Node reads without a compiler.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const app = fileURLToPath(new URL('..', import.meta.url));
const root = join(app, '..', '..');
// Below the app, which depends on every package, so that Node finds them.
const folder = mkdtempSync(join(app, 'test-e2e', '.readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

const readmes = [
  'README.md',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
];

/** Programs for Node: what needs a browser, tfjs itself or an addon that may be absent says so by its imports. */
const elsewhere = /tensorflow|\.wasm\?url|backend-node-gpu'/;

function programsOf(readme: string): string[] {
  const text = readFileSync(join(root, readme), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)]
    .map(([, code]) => code)
    .filter((code) => /^import .*@neuralode/m.test(code) && !elsewhere.test(code));
}

describe.each(readmes.filter((readme) => programsOf(readme).length > 0))('%s', (readme) => {
  it('runs', async () => {
    for (const [i, code] of programsOf(readme).entries()) {
      const file = join(folder, `${readme.replaceAll(/\W/g, '-')}-${i}.mjs`);
      writeFileSync(file, code);
      const { stderr } = await promisify(execFile)(process.execPath, [file], { timeout: 60_000 });
      expect(stderr).toBe('');
    }
  });
});
