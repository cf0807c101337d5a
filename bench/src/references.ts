/**
 * npm run bench -- references
 *
 * Has the Python peers solve the test problems to rounding, and keeps what they find in packages/test-problems.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detest, stiff } from '@neuralode/test-problems';
import { runPeer } from './peers/python.ts';

const folder = mkdtempSync(join(tmpdir(), 'neuralode-references-'));
try {
  for (const [name, problems] of Object.entries({ detest, stiff })) {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(problems));
    await runPeer('reference_problems.py', [file, name]);
  }
} finally {
  rmSync(folder, { recursive: true });
}
