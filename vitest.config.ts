// Tests of all packages. From the root: every package; with --root, one of them.
// TEST_BUILT=1 runs the same tests against the built output.
import { defaultExclude, defineConfig } from 'vitest/config';

const built = process.env.TEST_BUILT === '1';
// the last three are the defaults, which a list of one's own replaces
const conditions = ['module', 'node', 'development|production'];
if (!built) conditions.unshift('@neuralode/source');

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['**/test/**/*.test.ts', '**/src/**/*.test.ts'],
    exclude: [...defaultExclude, '**/dist/**'],
    passWithNoTests: true,
    // for what never ends: a test of some seconds takes half a minute where many share a core
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
