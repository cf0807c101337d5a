/**
 * npm run bench -- work-precision
 *
 * Standard problems at tolerances from 1e-3 on: errors against evaluations and against time, for our methods, scipy,
 * torchdiffeq, diffrax, and npm's odex and dopri, in one run. Writes bench/results/work-precision.json and the plots of
 * docs/results, and prints how evaluations and times compare at equal errors with methods of the same formulas.
 */
import { resultsPath, writeResults } from './files/results.ts';
import { withJsonFile } from './files/temporary.ts';
import { runPeer } from './peers/python.ts';
import { compare } from './work-precision/compare.ts';
import { solveWithNpm } from './work-precision/npm-peers.ts';
import { solveAll } from './work-precision/ours.ts';
import { plotSvg } from './work-precision/plot.ts';
import { type Row, tasks } from './work-precision/tasks.ts';

async function solveWithPython(file: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const peer of ['scipy', 'torchdiffeq', 'diffrax']) {
    rows.push(...(await runPeer<Row>(`work_precision_${peer}.py`, [file])));
  }
  return rows;
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

/** Text of the plots of docs/results by their paths. */
function plots(rows: readonly Row[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const stiff of [false, true]) {
    const names = new Set(
      tasks.filter((task) => task.stiff === stiff).map((task) => task.problem.name),
    );
    const shown = rows.filter((row) => names.has(row.problem));
    const kind = stiff ? 'stiff' : 'nonstiff';
    for (const work of ['nfe', 'milliseconds'] as const) {
      const against = work === 'nfe' ? 'evaluations' : 'time';
      const title = `${stiff ? 'Stiff problems' : 'Problems of DETEST'}: error against ${against}`;
      const path = `docs/results/work-precision-${kind}-${against}.svg`;
      texts[path] = plotSvg({ rows: shown, work, title });
    }
  }
  return texts;
}

const rows = [
  ...(await solveAll(tasks)),
  ...solveWithNpm(tasks),
  ...(await withJsonFile('work-precision', tasks, solveWithPython)),
];
const comparisons = compare(rows);
console.table(
  comparisons.map((each) => ({
    ...each,
    evaluations: rounded(each.evaluations),
    time: rounded(each.time),
  })),
);
writeResults({
  [resultsPath('work-precision')]:
    `{\n  "atEqualErrors": ${table(comparisons)},\n  "solves": ${table(rows)}\n}\n`,
  ...plots(rows),
});
