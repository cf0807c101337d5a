// Packs every public package as it would be published, and checks the result:
// publint (are the manifest and the files right?) and attw (do its types resolve?).
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { run, toolEnv } from './setup.mjs';

// these packages are ES modules: attw's esm-only profile leaves out the same two
const ignored = new Set(['node10', 'node16-cjs']);

const folder = mkdtempSync(join(tmpdir(), 'neuralode-pack-'));
try {
  pack();
  const tarballs = readdirSync(folder).sort();
  for (const file of tarballs) {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    for (const problem of [...(await manifestProblems(bytes)), ...(await typeProblems(bytes))]) {
      console.error(`${file}: ${problem}`);
      process.exitCode = 1;
    }
  }
  console.log(`checked ${tarballs.length} packages`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function pack() {
  const args = ['--recursive', '--filter=./packages/*', 'pack', '--pack-destination', folder];
  const { status, output } = run('pnpm', args, { env: toolEnv() });
  if (status !== 0) throw new Error(`pnpm pack failed\n${output}`);
}

async function manifestProblems(/** @type {Uint8Array<ArrayBuffer>} */ bytes) {
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  return messages
    .filter(({ type }) => type !== 'suggestion')
    .map((message) => `publint: ${formatMessage(message, pkg)}`);
}

async function typeProblems(/** @type {Uint8Array} */ bytes) {
  const result = await checkPackage(createPackageFromTarballData(bytes));
  if (!result.types) return ['attw: the package has no types'];
  return result.problems
    .filter((problem) => !('resolutionKind' in problem && ignored.has(problem.resolutionKind)))
    .map((problem) => `attw: ${JSON.stringify(problem)}`);
}
