/**
 * npm run bench -- references
 *
 * Has the Python peers solve the test problems to rounding, and keeps what they find in packages/test-problems.
 */
import { detest, stiff } from '@neuralode/test-problems';
import { withJsonFile } from './files/temporary.ts';
import { runPeer } from './peers/python.ts';

for (const [name, problems] of Object.entries({ detest, stiff })) {
  await withJsonFile('references', problems, (file) =>
    runPeer('reference_problems.py', [file, name]),
  );
}
