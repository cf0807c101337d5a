/** Evaluations and times of methods of one name, at equal errors. */
import type { Row } from './tasks.ts';

/** The peers' methods of the same formulas as ours. */
const sameFormulas: Readonly<Record<string, readonly string[]>> = {
  dopri5: ['scipy RK45', 'torchdiffeq dopri5', 'diffrax Dopri5', 'dopri dopri5'],
  'dopri5 elementary': ['scipy RK45'],
  tsit5: ['diffrax Tsit5'],
  dop853: ['scipy DOP853'],
  bosh3: ['scipy RK23', 'torchdiffeq bosh3', 'diffrax Bosh3'],
  radau5: ['scipy Radau'],
  bdf: ['scipy BDF'],
};

/** Work of one method on one problem against a peer's, at equal errors: below 1 where ours is less. */
export interface Comparison {
  readonly method: string;
  readonly peer: string;
  readonly problem: string;
  /** Geometric means over the errors that both reach. */
  readonly evaluations: number | null;
  readonly time: number;
}

type Work = 'nfe' | 'milliseconds';

interface Point {
  readonly logError: number;
  readonly logWork: number;
}

function curve(rows: readonly Row[], work: Work): Point[] {
  return rows
    .map((row) => ({ logError: Math.log(row.error), logWork: Math.log(row[work] as number) }))
    .sort((a, b) => a.logError - b.logError);
}

/** log work at an error within the curve, between its neighbours in a straight line. */
function at(points: readonly Point[], logError: number): number {
  const right = Math.max(
    1,
    points.findIndex((point) => point.logError >= logError),
  );
  const [a, b] = [points[right - 1], points[right]];
  const part = (logError - a.logError) / (b.logError - a.logError || 1);
  return a.logWork + part * (b.logWork - a.logWork);
}

/** The geometric mean of the quotients at 100 errors, log-equally spaced over those that both have reached. */
function ratio(ours: readonly Row[], theirs: readonly Row[], work: Work): number {
  const [a, b] = [curve(ours, work), curve(theirs, work)];
  const least = Math.max(a[0].logError, b[0].logError);
  const most = Math.min(a[a.length - 1].logError, b[b.length - 1].logError);
  const samples = Array.from({ length: 100 }, (_, i) => least + ((i + 0.5) / 100) * (most - least));
  const total = samples.reduce((sum, error) => sum + at(a, error) - at(b, error), 0);
  return Math.exp(total / samples.length);
}

export function compare(rows: readonly Row[]): Comparison[] {
  const problems = [...new Set(rows.map(({ problem }) => problem))];
  const of = (name: string, problem: string): Row[] =>
    rows.filter((row) => `${row.system} ${row.method}` === name && row.problem === problem);
  return Object.entries(sameFormulas).flatMap(([method, peers]) =>
    peers.flatMap((peer) =>
      problems.flatMap((problem) => {
        const [ours, theirs] = [of(`neuralode ${method}`, problem), of(peer, problem)];
        if (ours.length < 3 || theirs.length < 3) return [];
        const counted = theirs.every(({ nfe }) => nfe !== null);
        const evaluations = counted ? ratio(ours, theirs, 'nfe') : null;
        return [{ method, peer, problem, evaluations, time: ratio(ours, theirs, 'milliseconds') }];
      }),
    ),
  );
}
