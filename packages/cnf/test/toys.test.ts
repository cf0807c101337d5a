/** The toy densities: where their mass lies, and that what is drawn is what is defined. */
import { reference } from '@neuralode/backend-reference';
import {
  logIntegral,
  planeGrid,
  toyData,
  type ToyDataName,
  toyDataNames,
  toyEnergy,
  toyEnergyNames,
} from '@neuralode/cnf';
import { evaluate, random, setBackend, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { mean } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

function drawn(name: ToyDataName, count = 4000, seed = 0): number[][] {
  return toyData(name, count, random(seed)).arraySync() as number[][];
}

const radii = (name: ToyDataName): number[] => drawn(name).map(([x, y]) => Math.hypot(x, y));

/** The part of the points for which `test` holds. */
function part(points: readonly number[][], test: (point: readonly number[]) => boolean): number {
  return points.filter(test).length / points.length;
}

describe('data', () => {
  it.each(toyDataNames)(
    '%s: one seed gives the same points, another others, within the square',
    (name) => {
      expect(drawn(name, 50)).toEqual(drawn(name, 50));
      expect(drawn(name, 50)).not.toEqual(drawn(name, 50, 1));
      expect(part(drawn(name), ([x, y]) => Math.abs(x) < 4.6 && Math.abs(y) < 4.6)).toBeGreaterThan(
        0.99,
      );
    },
  );

  it('circles and rings lie on theirs', () => {
    const nearest = (radius: number, all: number[]) =>
      Math.min(...all.map((each) => Math.abs(radius - each)));
    expect(mean(radii('circles').map((radius) => nearest(radius, [1.5, 3])))).toBeLessThan(0.25);
    expect(
      mean(radii('rings').map((radius) => nearest(radius, [0.75, 1.5, 2.25, 3]))),
    ).toBeLessThan(0.08);
    expect(radii('circles').filter((radius) => radius < 2.25).length / 4000).toBeCloseTo(0.5, 1);
  });

  it('moons are two half-circles of radius 2 about (−1, −0.2) and (1, 0.8)', () => {
    const off = drawn('moons').map(([x, y]) =>
      Math.min(Math.abs(Math.hypot(x + 1, y + 0.2) - 2), Math.abs(Math.hypot(x - 1, y - 0.8) - 2)),
    );
    expect(mean(off)).toBeLessThan(0.2);
    expect(mean(drawn('moons').map(([x]) => x))).toBeCloseTo(0, 1);
  });

  it('eight Gaussians share the points evenly', () => {
    const counts = new Array<number>(8).fill(0);
    for (const [x, y] of drawn('eightGaussians')) {
      counts[(Math.round((Math.atan2(y, x) / Math.PI) * 4) + 8) % 8]++;
    }
    // χ² of 7 degrees of freedom: 24.3 is passed once in a thousand
    expect(counts.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0)).toBeLessThan(24.3);
  });

  it('the checkerboard has its eight fields and nothing between', () => {
    const fields = new Map<string, number>();
    for (const [x, y] of drawn('checkerboard')) {
      const [i, j] = [Math.floor(x / 2), Math.floor(y / 2)];
      expect(Math.abs((i + j) % 2)).toBe(0);
      fields.set(`${i},${j}`, (fields.get(`${i},${j}`) ?? 0) + 1);
    }
    expect(fields.size).toBe(8);
    expect([...fields.values()].reduce((sum, n) => sum + (n - 500) ** 2 / 500, 0)).toBeLessThan(
      24.3,
    );
  });

  it('spirals, roll and pinwheel follow their curves', () => {
    // swiss roll: the radius is a fifth of the angle, up to full turns
    const roll = drawn('swissRoll').map(([x, y]) => {
      const turns = (5 * Math.hypot(x, y) - Math.atan2(y, x)) / (2 * Math.PI);
      return (Math.abs(turns - Math.round(turns)) * (2 * Math.PI)) / 5;
    });
    expect(mean(roll)).toBeLessThan(0.22);
    const far = drawn('twoSpirals').filter(([x, y]) => Math.hypot(x, y) > 1);
    const spirals = far.map(([x, y]) => {
      const half = (3 * Math.hypot(x, y) + Math.atan2(y, x)) / Math.PI;
      return Math.abs(half - Math.round(half));
    });
    expect(mean(spirals)).toBeLessThan(0.15); // 0.25 if they were anywhere
    const blades = drawn('pinwheel').map(([x, y]) => {
      const fifths =
        ((Math.atan2(y, x) - 0.25 * Math.exp(Math.hypot(x, y) / 2)) / (2 * Math.PI)) * 5;
      return Math.abs(fifths - Math.round(fifths));
    });
    expect(mean(blades)).toBeLessThan(0.13); // 0.25 if they were anywhere
  });
});

/** −U as the paper's table writes it, on the host. */
const asWritten: Record<string, (x: number, y: number) => number> = {
  U1: (x, y) =>
    -0.5 * ((Math.hypot(x, y) - 2) / 0.4) ** 2 +
    Math.log(Math.exp(-0.5 * ((x - 2) / 0.6) ** 2) + Math.exp(-0.5 * ((x + 2) / 0.6) ** 2)),
  U2: (x, y) => -0.5 * ((y - Math.sin((2 * Math.PI * x) / 4)) / 0.4) ** 2,
  U3: (x, y) => {
    const off = y - Math.sin((2 * Math.PI * x) / 4);
    const dip = 3 * Math.exp(-0.5 * ((x - 1) / 0.6) ** 2);
    return Math.log(
      Math.exp(-0.5 * (off / 0.35) ** 2) + Math.exp(-0.5 * ((off + dip) / 0.35) ** 2),
    );
  },
  U4: (x, y) => {
    const off = y - Math.sin((2 * Math.PI * x) / 4);
    const step = 3 / (1 + Math.exp(-(x - 1) / 0.3));
    return Math.log(
      Math.exp(-0.5 * (off / 0.4) ** 2) + Math.exp(-0.5 * ((off + step) / 0.35) ** 2),
    );
  },
};

describe('energies', () => {
  it.each(toyEnergyNames)('%s is that of the paper in the square', async (name) => {
    const points = [
      [0.3, -0.2],
      [-1.7, 1.1],
      [2.2, -0.4],
      [1.1, -2.1],
    ];
    const values = await toyEnergy(name)(tensor(points)).array();
    (values as number[]).forEach((value, i) => {
      expect(value).toBeCloseTo(asWritten[name](points[i][0], points[i][1]), 9);
    });
  });

  it.each(toyEnergyNames)(
    '%s can be normalised: what lies outside of [−6, 6]² is nothing',
    async (name) => {
      const inside = planeGrid(5.5, 400);
      const all = planeGrid(9, 600);
      const log = toyEnergy(name);
      const z = logIntegral((await evaluate(() => log(inside.points))).dataSync(), inside);
      const more = logIntegral((await evaluate(() => log(all.points))).dataSync(), all);
      expect(more).toBeCloseTo(z, 3);
      expect(Number.isFinite(z)).toBe(true);
    },
  );

  it('integrates a Gaussian to 1', () => {
    const grid = planeGrid(8, 200);
    const values = (grid.points.arraySync() as number[][]).map(
      ([x, y]) => -0.5 * (x * x + y * y) - Math.log(2 * Math.PI),
    );
    expect(logIntegral(values, grid)).toBeCloseTo(0, 10);
  });
});
