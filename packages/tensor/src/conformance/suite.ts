/**
 * The conformance suite: what every backend must do, held against the reference backend in float64.
 *
 * A backend's test is six lines, whatever the runner (vitest, jest, node:test):
 *
 *     import { reference } from '@neuralode/backend-reference';
 *     import { wasm } from '@neuralode/backend-wasm';
 *     import { describeConformance } from '@neuralode/tensor/conformance';
 *     import { describe, it } from 'vitest';
 *     await describeConformance({ describe, it }, { backend: () => wasm(), reference, skip: {} });
 *
 * A skip names its test exactly and gives a reason. A skipped test still runs: once it passes, the skip is stale and
 * fails, so that a list of skips can only shrink.
 */
import type { Backend } from '../backend.ts';
import { ArgumentError, BackendError } from '../errors.ts';
import { bufferChecks } from './buffer-checks.ts';
import { convolutionCases } from './convolution-cases.ts';
import { elementwiseCases } from './elementwise-cases.ts';
import { indexCases } from './index-cases.ts';
import { checkKernel, type KernelCase } from './kernel-check.ts';
import { logicCases } from './logic-cases.ts';
import { makeCases } from './make-cases.ts';
import { matMulCases } from './mat-mul-cases.ts';
import { moveCases } from './move-cases.ts';
import { pairCases } from './pair-cases.ts';
import { reductionCases } from './reduction-cases.ts';

export interface ConformanceCase {
  readonly name: string;
  /** Why this test is expected to fail, where it is skipped. `run` then fails only if the test passes. */
  readonly skipped?: string;
  /** Rejects with what went wrong. */
  run(): Promise<void>;
}

export interface ConformanceOptions {
  readonly backend: Backend;
  /** A backend that is right, with float64; `reference()` of @neuralode/backend-reference. */
  readonly reference: Backend;
  /** Exact test name → reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** Every test for the dtypes that the backend has, in a fixed order, with fixed random inputs. */
export function conformanceCases({
  backend,
  reference,
  skip = {},
}: ConformanceOptions): ConformanceCase[] {
  if (!reference.dtypes.includes('float64')) {
    throw new BackendError({
      what: 'conformance: the reference backend must have float64',
      got: reference.dtypes.join(', '),
      remedy: 'Pass `reference()` of @neuralode/backend-reference',
    });
  }
  const cases = [...kernelTests(backend, reference), ...bufferChecks(backend)];
  const names = new Set(cases.map((each) => each.name));
  if (names.size < cases.length) {
    throw new ArgumentError({ what: `conformance: two tests are named alike: ${repeated(cases)}` });
  }
  return [
    ...cases.map((each) =>
      Object.hasOwn(skip, each.name) ? skipped(each, skip[each.name]) : each,
    ),
    { name: 'skips: each names a test and gives a reason', run: () => checkSkips(skip, names) },
  ];
}

const kernelCases: readonly KernelCase[] = [
  ...elementwiseCases,
  ...pairCases,
  ...logicCases,
  ...matMulCases,
  ...convolutionCases,
  ...reductionCases,
  ...moveCases,
  ...indexCases,
  ...makeCases,
];

function kernelTests(backend: Backend, reference: Backend): ConformanceCase[] {
  return kernelCases.flatMap((each) =>
    each.dtypes
      .filter((dtype) =>
        (each.needs ?? [dtype]).concat(dtype).every((d) => backend.dtypes.includes(d)),
      )
      .map((dtype) => {
        const name = `${each.primitive.name}: ${each.title} (${dtype})`;
        return { name, run: () => checkKernel({ ...each, name, dtype }, backend, reference) };
      }),
  );
}

function repeated(cases: readonly ConformanceCase[]): string {
  return cases
    .map((each) => each.name)
    .filter((name, i, names) => names.indexOf(name) < i)
    .join('; ');
}

function skipped({ name, run }: ConformanceCase, reason: string): ConformanceCase {
  return {
    name,
    skipped: reason,
    async run() {
      try {
        await run();
      } catch {
        return;
      }
      throw new Error(`stale skip: '${name}' passes now; take it out of the skips (${reason})`);
    },
  };
}

async function checkSkips(
  skip: Readonly<Record<string, string>>,
  names: ReadonlySet<string>,
): Promise<void> {
  for (const [name, reason] of Object.entries(skip)) {
    if (!names.has(name)) {
      throw new Error(`no test is named '${name}' (for the dtypes that the backend has)`);
    }
    if (reason.trim() === '') throw new Error(`the skip of '${name}' gives no reason`);
  }
}

/** What a test runner must offer; vitest, jest and node:test do. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** Declares the suite with a test runner. `await` it at the top of a test file: making a backend may take time. */
export async function describeConformance(
  { describe, it }: TestRunner,
  options: {
    readonly backend: () => Backend | Promise<Backend>;
    readonly reference: () => Backend | Promise<Backend>;
    readonly skip?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const backend = await options.backend();
  const reference = await options.reference();
  const cases = conformanceCases({ backend, reference, skip: options.skip });
  describe(`conformance of ${backend.name}, ${backend.floatDType} by default`, () => {
    for (const each of cases) {
      const title = each.skipped === undefined ? each.name : `${each.name} [skip: ${each.skipped}]`;
      it(title, () => each.run());
    }
  });
}
