/**
 * npm run bench -- work-precision
 *
 * Standard problems at tolerances from 1e-3 on: errors against evaluations and against time, for our methods, scipy,
 * torchdiffeq, diffrax, and npm's odex and dopri, in one run. Writes bench/results/work-precision.json and the plots of
 * docs/results, and prints how evaluations and times compare at equal errors with methods of the same formulas.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runPeer } from './peers/python.ts';
import { compare } from './work-precision/compare.ts';
import { solveWithNpm } from './work-precision/npm-peers.ts';
import { solveAll } from './work-precision/ours.ts';
import { plotSvg } from './work-precision/plot.ts';
import { type Row, type Task, tasks } from './work-precision/tasks.ts';

async function solveWithPython(given: readonly Task[]): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'neuralode-work-precision-'));
  try {
    const file = join(folder, 'tasks.json');
    writeFileSync(file, JSON.stringify(given));
    const rows: Row[] = [];
    for (const peer of ['scipy', 'torchdiffeq', 'diffrax']) {
      rows.push(...(await runPeer<Row>(`work_precision_${peer}.py`, [file])));
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const rounded = (value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value;

/** A table as JSON with a line for each row; objects would take eight. */
function table(rows: readonly object[]): string {
  const line = (values: readonly unknown[]): string =>
    `[${values.map((value) => JSON.stringify(rounded(value))).join(', ')}]`;
  const lines = rows.map((row) => `      ${line(Object.values(row))}`);
  const columns = `    "columns": ${line(Object.keys(rows[0]))}`;
  return `{\n${columns},\n    "rows": [\n${lines.join(',\n')}\n    ]\n  }`;
}

const rows = [
  ...(await solveAll(tasks)),
  ...solveWithNpm(tasks),
  ...(await solveWithPython(tasks)),
];
const comparisons = compare(rows);
const results = fileURLToPath(new URL('../results/', import.meta.url));
const pages = fileURLToPath(new URL('../../docs/results/', import.meta.url));
mkdirSync(results, { recursive: true });
writeFileSync(
  join(results, 'work-precision.json'),
  `{\n  "atEqualErrors": ${table(comparisons)},\n  "solves": ${table(rows)}\n}\n`,
);
for (const stiff of [false, true]) {
  const names = new Set(
    tasks.filter((task) => task.stiff === stiff).map((task) => task.problem.name),
  );
  const shown = rows.filter((row) => names.has(row.problem));
  const kind = stiff ? 'stiff' : 'nonstiff';
  for (const work of ['nfe', 'milliseconds'] as const) {
    const name = `work-precision-${kind}-${work === 'nfe' ? 'evaluations' : 'time'}.svg`;
    const title = `${stiff ? 'Stiff problems' : 'Problems of DETEST'}: error against ${work === 'nfe' ? 'evaluations' : 'time'}`;
    writeFileSync(join(pages, name), plotSvg({ rows: shown, work, title }));
  }
}
console.table(
  comparisons.map((each) => ({
    ...each,
    evaluations: rounded(each.evaluations),
    time: rounded(each.time),
  })),
);
process.stderr.write(
  'written: bench/results/work-precision.json, docs/results/work-precision-*.svg\n',
);
