import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { it } from 'vitest';

const cwd = fileURLToPath(new URL('..', import.meta.url));

it('the embedded kernels are what assembly/ compiles to', async () => {
  // rejects with what the check printed
  await promisify(execFile)(process.execPath, ['scripts/kernels.mjs', '--check'], { cwd });
});
