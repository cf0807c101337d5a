/**
 * npm run bench -- drift
 *
 * Where the adjoint drifts: the relative error of gradients against the horizon of the solve, for a field that contracts
 * strongly, so that it is unstable when the state is solved backwards. All methods at rtol 1e-6, atol 1e-8 with dopri5;
 * `reversible`, whose steps must be undone, with rk4 coupled, in steps of 0.0025, and with reversibleHeun. In float64; the
 * truth is direct() with dop853 at 1e-12. Writes bench/results/drift.json, an array of { method, horizon, error }, error null
 * where the solve or its backward solve failed, and the plot docs/results/drift.svg.
 */
import { backsolve, checkpointed, direct, interpolated, reversible } from '@neuralode/adjoint';
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  coupled,
  dop853,
  odeint,
  type OdeintOptions,
  reversibleHeun,
  rk4,
  SolveError,
} from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { jsonOf, resultsPath, writeResults } from './files/results.ts';

interface Row {
  readonly method: string;
  readonly horizon: number;
  readonly error: number | null;
}

await setBackend(reference());

/** ∂y(T)/∂θ and ∂y(T)/∂k of y' = θ cos t − k y − y³, y(0) = 1. */
async function gradient(horizon: number, control: OdeintOptions<Tensor>): Promise<number[]> {
  const final = (p: Tensor): Tensor =>
    odeint(
      (t: Tensor, y: Tensor, q: Tensor) =>
        q
          .at(0)
          .mul(t.cos())
          .sub(y.mul(q.at(1)))
          .sub(y.mul(y).mul(y)),
      tensor(1),
      [0, horizon],
      { ...control, args: p },
    ).ys.at(-1);
  return Array.from(await (await grad(final)(tensor([1, 5]))).data());
}

const exact = { solver: dop853(), rtol: 1e-12, atol: 1e-14, gradient: direct() };
const tolerances = { rtol: 1e-6, atol: 1e-8, maxSteps: 100_000 };

async function errorOf(control: OdeintOptions<Tensor>, horizon: number): Promise<number | null> {
  const truth = await gradient(horizon, exact);
  try {
    const got = await gradient(horizon, control);
    return Math.hypot(...got.map((each, i) => each - truth[i])) / Math.hypot(...truth);
  } catch (failure) {
    if (failure instanceof SolveError) return null;
    throw failure;
  }
}

const methods: readonly { readonly name: string; readonly control: OdeintOptions<Tensor> }[] = [
  ...[direct(), checkpointed(), interpolated(), backsolve()].map((method) => ({
    name: method.name,
    control: { ...tolerances, maxSteps: 5000, gradient: method },
  })),
  {
    name: 'reversible, coupled rk4',
    control: {
      solver: coupled(rk4(), { coupling: 0.98 }),
      stepSize: 0.0025,
      gradient: reversible(),
    },
  },
  {
    name: 'reversible, reversibleHeun',
    control: { ...tolerances, solver: reversibleHeun(), gradient: reversible() },
  },
];
const rows: Row[] = [];
for (const { name, control } of methods) {
  for (const horizon of [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]) {
    rows.push({ method: name, horizon, error: await errorOf(control, horizon) });
  }
}

const colours = ['#1b6ca8', '#5aa02c', '#b8860b', '#c0392b', '#7d3c98', '#16a085'];
const x = (horizon: number): number => 60 + 50 * horizon;
const y = (error: number): number => 110 + 20 * -Math.log10(Math.min(Math.max(error, 1e-13), 10));

/** A line for each method, and its crosses, where the solve or its backward solve failed, in a row of its own above. */
function plot(): string {
  const lines = methods.map(({ name }, i) => {
    const own = rows.filter(({ method }) => method === name);
    const points = own.flatMap(({ horizon, error }) =>
      error === null ? [] : [`${x(horizon)},${y(error).toFixed(1)}`],
    );
    const row = 18 + 12 * i;
    const crosses = own.flatMap(({ horizon, error }) =>
      error === null
        ? [`<text x="${x(horizon) - 4}" y="${row}" fill="${colours[i]}">×</text>`]
        : [],
    );
    // direct() and checkpointed() have the same numbers: a broad line shows beneath a dashed one.
    const dashes = name === 'checkpointed' ? ' stroke-dasharray="6 6"' : '';
    const label = `<text x="580" y="${row}" fill="${colours[i]}">${name}</text>`;
    const line = `<polyline fill="none" stroke="${colours[i]}" stroke-width="${i === 0 ? 4 : 2}"${dashes} points="${points.join(' ')}"/>`;
    return `${line}${crosses.join('')}${label}`;
  });
  const ticks = [0, -3, -6, -9, -12].map(
    (power) =>
      `<text x="10" y="${y(10 ** power) + 4}">1e${power}</text><path stroke="#ddd" d="M60,${y(10 ** power)}H565"/>`,
  );
  const times = [0, 2, 4, 6, 8, 10].map((each) => `<text x="${x(each)}" y="395">${each}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 405" font-family="sans-serif" font-size="12">
<title>Relative error of the gradient against the horizon of the solve</title>
<rect width="760" height="405" fill="white"/>
${[...ticks, ...times, ...lines].join('\n')}
<text x="10" y="90">relative error of the gradient</text>
<text x="590" y="395">horizon T</text>
</svg>
`;
}

console.table(rows);
writeResults({ [resultsPath('drift')]: jsonOf(rows), 'docs/results/drift.svg': plot() });
