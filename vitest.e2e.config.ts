// Tests of the built command line, run as a person would run it.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test-e2e/**/*.test.ts'],
    passWithNoTests: true,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
