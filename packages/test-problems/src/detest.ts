/**
 * The 25 problems of DETEST, which are not stiff: T. E. Hull, W. H. Enright, B. M. Fellen, A. E. Sedgwick, Comparing
 * numerical methods for ordinary differential equations, SIAM J. Numer. Anal. 9 (1972), 603-637. Published end values:
 * W. H. Enright, J. D. Pryce, Two FORTRAN packages for assessing initial value methods, ACM TOMS 13 (1987), 1-27.
 */
import type { Problem } from './problem.ts';

const span = [0, 20] as const;

type Statement = Pick<Problem, 'equations' | 'y0' | 'published' | 'where'>;

function problem(name: string, describes: string, statement: Statement): Problem {
  return { name, source: `DETEST, ${name}: ${describes}`, times: span, smallness: 1, ...statement };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const firstOf = (n: number): number[] => numbers(n).map((i) => (i === 0 ? 1 : 0));

const single: readonly Problem[] = [
  problem('A1', 'decay', { equations: ['-y[0]'], y0: [1], published: [2.061153353012535e-9] }),
  problem('A2', 'a Riccati equation', {
    equations: ['-(y[0] * y[0] * y[0]) / 2'],
    y0: [1],
    published: [0.2182178902359887],
  }),
  problem('A3', 'an oscillation', {
    equations: ['y[0] * cos(t)'],
    y0: [1],
    published: [2.491650271850414],
  }),
  problem('A4', 'the logistic curve', {
    equations: ['y[0] / 4 * (1 - y[0] / 20)'],
    y0: [1],
    published: [17.73016648131483],
  }),
  problem('A5', 'a spiral curve', {
    equations: ['(y[0] - t) / (y[0] + t)'],
    y0: [4],
    published: [-0.7887826688964196],
  }),
];

const small: readonly Problem[] = [
  problem('B1', 'two populations in conflict', {
    equations: ['2 * (y[0] - y[0] * y[1])', '-(y[1] - y[0] * y[1])'],
    y0: [1, 3],
    published: [0.6761876008576667, 0.1860816099640036],
  }),
  problem('B2', 'a linear reaction', {
    equations: ['-y[0] + y[1]', 'y[0] - 2 * y[1] + y[2]', 'y[1] - y[2]'],
    y0: [2, 0, 1],
    published: [1.000000001030576, 1, 0.9999999989694235],
  }),
  problem('B3', 'a nonlinear reaction', {
    equations: ['-y[0]', 'y[0] - y[1] * y[1]', 'y[1] * y[1]'],
    y0: [1, 0, 0],
    published: [2.061153488557776e-9, 5.257228022048349e-2, 0.947427717718363],
  }),
  problem('B4', 'the integral surface of a torus', {
    where: { r: 'sqrt(y[0] * y[0] + y[1] * y[1])' },
    equations: ['-y[1] - y[0] * y[2] / r', 'y[0] - y[1] * y[2] / r', 'y[0] / r'],
    y0: [3, 0, 0],
    published: [0.9826950928005993, 2.198447081694832, 0.9129452507276399],
  }),
  problem('B5', "Euler's equations of a rigid body", {
    equations: ['y[1] * y[2]', '-(y[0] * y[2])', '-0.51 * y[0] * y[1]'],
    y0: [0, 1, 1],
    published: [-0.9396570798729192, -0.3421177754000779, 0.7414126596199957],
  }),
];

/** The heat equation on n points: yᵢ₋₁ − 2 yᵢ + yᵢ₊₁, 0 outside. */
function parabolic(n: number): string[] {
  return numbers(n).map((i) => {
    const neighbours = [i - 1, i + 1].filter((j) => j >= 0 && j < n).map((j) => `y[${j}]`);
    return `${neighbours.join(' + ')} - 2 * y[${i}]`;
  });
}

/** Masses of the five outer planets, in units of the Sun with the inner ones, whose own excess is in `sun`. */
const planets = [
  0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778,
];
const sun = 1.00000597682;
const gravity = 2.95912208286;

/** The place of coordinate `axis` of a planet. */
const place = (planet: number, axis: number): string => `y[${3 * planet + axis}]`;

const cubedLength = (parts: readonly string[]): string =>
  `(${parts.map((part) => `${part} ** 2`).join(' + ')}) ** 1.5`;

function fiveBodies(): Pick<Problem, 'where' | 'equations'> {
  const where: Record<string, string> = {};
  const axes = numbers(3);
  for (const i of numbers(5)) {
    where[`r${i}`] = cubedLength(axes.map((axis) => place(i, axis)));
    for (const j of numbers(i)) {
      const apart = axes.map((axis) => `(${place(i, axis)} - ${place(j, axis)})`);
      where[`d${i}${j}`] = where[`d${j}${i}`] = cubedLength(apart);
    }
  }
  const pulls = numbers(5).flatMap((i) =>
    axes.map((axis) => {
      const own = `-${sun + planets[i]} * ${place(i, axis)} / r${i}`;
      const others = numbers(5)
        .filter((j) => j !== i)
        .map((j) => {
          const apart = `(${place(j, axis)} - ${place(i, axis)}) / d${i}${j}`;
          return `${planets[j]} * (${apart} - ${place(j, axis)} / r${j})`;
        });
      return `${gravity} * (${[own, ...others].join(' + ')})`;
    }),
  );
  return { where, equations: [...numbers(15).map((i) => `y[${15 + i}]`), ...pulls] };
}

const medium: readonly Problem[] = [
  problem('C1', 'a radioactive decay chain', {
    equations: ['-y[0]', ...numbers(8).map((i) => `y[${i}] - y[${i + 1}]`), 'y[8]'],
    y0: firstOf(10),
    published: [2.061153622240064e-9, 4.122307244619555e-8],
  }),
  problem('C2', 'another decay chain', {
    equations: [
      '-y[0]',
      ...numbers(8).map((i) => `${i + 1} * y[${i}] - ${i + 2} * y[${i + 1}]`),
      '9 * y[8]',
    ],
    y0: firstOf(10),
    published: [2.06115357798493e-9, 2.061153573736588e-9],
  }),
  problem('C3', 'the heat equation', {
    equations: parabolic(10),
    y0: firstOf(10),
    published: [2.948119211022058e-3, 5.635380154844266e-3],
  }),
  problem('C4', 'the heat equation, finer', {
    equations: parabolic(51),
    y0: firstOf(51),
    published: [3.124111453721466e-3, 6.015416842150318e-3],
  }),
  problem('C5', 'five outer planets', {
    ...fiveBodies(),
    y0: [
      3.42947415189, 3.35386959711, 1.35494901715, 6.6414554255, 5.97156957878, 2.18231499728,
      11.2630437207, 14.6952576794, 6.27960525067, -30.1552268759, 1.65699966404, 1.43785752721,
      -21.123835338, 28.4465098142, 15.3882659679, -0.557160570446, 0.505696783289, 0.230578543901,
      -0.415570776342, 0.365682722812, 0.169143213293, -0.325325669158, 0.189706021964,
      0.087726532278, -0.024047625417, -0.287659532608, -0.117219543175, -0.176860753121,
      -0.216393453025, -0.014864789309,
    ],
    published: [-4.792730224323733, -2.420550725448973, -0.9212509306014885, -4.217310404035213],
  }),
];

/** One period of Kepler's orbit is 2π, so 20 is a little more than three. */
const orbits = [
  [0.1, 0.2198835352008397, 0.9427076846341813],
  [0.3, -0.1777027357140412, 0.9467784719905892],
  [0.5, -0.5780432953035362, 0.8633840009194192],
  [0.7, -0.9538990293416394, 0.6907409024219432],
  [0.9, -1.295266250987574, 0.4003938963792321],
].map(([eccentricity, ...published], i) =>
  problem(`D${i + 1}`, `an orbit of eccentricity ${eccentricity}`, {
    where: { r: '(y[0] * y[0] + y[1] * y[1]) ** 1.5' },
    equations: ['y[2]', 'y[3]', '-y[0] / r', '-y[1] / r'],
    y0: [1 - eccentricity, 0, 0, Math.sqrt((1 + eccentricity) / (1 - eccentricity))],
    published,
  }),
);

const secondOrder: readonly Problem[] = [
  problem('E1', "Bessel's equation of order 1/2", {
    equations: ['y[1]', '-(y[1] / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * y[0])'],
    y0: [0.671396707141803, 0.0954005144474744],
    published: [0.1456723600728308, -9.883500195574063e-2],
  }),
  problem('E2', "van der Pol's equation", {
    equations: ['y[1]', '(1 - y[0] * y[0]) * y[1] - y[0]'],
    y0: [2, 0],
    published: [2.008149762174948, -4.250887527320057e-2],
  }),
  problem('E3', "Duffing's equation", {
    equations: ['y[1]', 'y[0] * y[0] * y[0] / 6 - y[0] + 2 * sin(2.78535 * t)'],
    y0: [0, 0],
    published: [-0.1004178858647128, 0.2411400132095954],
  }),
  problem('E4', 'a falling body', {
    equations: ['y[1]', '0.032 - 0.4 * y[1] * y[1]'],
    y0: [30, 0],
    published: [33.95091444646555, 0.2767822659672869],
  }),
  problem('E5', 'a linear pursuit', {
    equations: ['y[1]', 'sqrt(1 + y[1] * y[1]) / (25 - t)'],
    y0: [0, 0],
    published: [14.11797390542629, 2.400000000000002],
  }),
];

export const detest: readonly Problem[] = [
  ...single,
  ...small,
  ...medium,
  ...orbits,
  ...secondOrder,
];
