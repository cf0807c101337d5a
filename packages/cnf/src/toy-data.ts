/**
 * The eight toy distributions in the plane on which flows are compared, in the sizes of FFJORD's experiments (Grathwohl,
 * Chen, Bettencourt, Sutskever, Duvenaud 2019, and its public code): all lie within about [−4, 4]².
 */
import {
  ArgumentError,
  getBackend,
  type Random,
  type Tensor,
  type TensorOptions,
  tensor,
} from '@neuralode/tensor';

type Point = readonly [number, number];

const turn = 2 * Math.PI;

function onCircle(radius: number, angle: number): Point {
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

function withNoise([x, y]: Point, deviation: number, rng: Random): Point {
  return [x + deviation * rng.nextNormal(), y + deviation * rng.nextNormal()];
}

/** Two circles of radii 3 and 1.5, noise 0.24. */
function circles(rng: Random): Point {
  return withNoise(onCircle(rng.next() < 0.5 ? 3 : 1.5, turn * rng.next()), 0.24, rng);
}

/** Two half-circles of radius 2 that reach into each other, noise 0.2. */
function moons(rng: Random): Point {
  const angle = Math.PI * rng.next();
  const [x, y] = [Math.cos(angle), Math.sin(angle)];
  const point: Point = rng.next() < 0.5 ? [x, y] : [1 - x, 0.5 - y];
  return withNoise([2 * point[0] - 1, 2 * point[1] - 0.2], 0.2, rng);
}

/** Eight Gaussians of deviation 0.5/√2 on a circle of radius 4/√2. */
function eightGaussians(rng: Random): Point {
  const centre = onCircle(4 / Math.SQRT2, (turn * rng.integer(0, 7)) / 8);
  return withNoise(centre, 0.5 / Math.SQRT2, rng);
}

/** Five blades, bent by an angle that grows with the radius. */
function pinwheel(rng: Random): Point {
  const along = 1 + 0.3 * rng.nextNormal();
  const across = 0.1 * rng.nextNormal();
  const angle = (turn * rng.integer(0, 4)) / 5 + 0.25 * Math.exp(along);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [2 * (along * cos - across * sin), 2 * (along * sin + across * cos)];
}

/** Two spirals of one and a half turns, drawn denser at the centre, noise 0.1. */
function twoSpirals(rng: Random): Point {
  const angle = 1.5 * turn * Math.sqrt(rng.next());
  const side = rng.next() < 0.5 ? 1 : -1;
  const x = -Math.cos(angle) * angle + 0.5 * rng.next();
  const y = Math.sin(angle) * angle + 0.5 * rng.next();
  return withNoise([(side * x) / 3, (side * y) / 3], 0.1, rng);
}

/** The eight dark fields of side 2 in the square [−4, 4]². */
function checkerboard(rng: Random): Point {
  const x = 4 * rng.next() - 2;
  const y = rng.next() - 2 * rng.integer(0, 1);
  const odd = Math.abs(Math.floor(x) % 2);
  return [2 * x, 2 * (y + odd)];
}

/** Four circles of radii 0.75, 1.5, 2.25 and 3, noise 0.08. */
function rings(rng: Random): Point {
  return withNoise(onCircle(0.75 * rng.integer(1, 4), turn * rng.next()), 0.08, rng);
}

/** One spiral from 1.5π to 4.5π, a fifth of its angle in radius, noise 0.2. */
function swissRoll(rng: Random): Point {
  const angle = 1.5 * Math.PI * (1 + 2 * rng.next());
  return withNoise(onCircle(angle / 5, angle), 0.2, rng);
}

const distributions = {
  circles,
  moons,
  eightGaussians,
  pinwheel,
  twoSpirals,
  checkerboard,
  rings,
  swissRoll,
} as const;

/** Name of a toy distribution. */
export type ToyDataName = keyof typeof distributions;

/** All of them. */
export const toyDataNames = Object.keys(distributions) as readonly ToyDataName[];

/** Draws `count` independent points: [count, 2]. */
export function toyData(
  name: ToyDataName,
  count: number,
  rng: Random,
  options?: TensorOptions,
): Tensor {
  const draw = distributions[name];
  if (draw === undefined) {
    throw new ArgumentError({
      what: 'toyData: no such distribution',
      got: String(name),
      expected: toyDataNames.join(', '),
    });
  }
  const elements = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) elements.set(draw(rng), 2 * i);
  return tensor(elements, [count, 2], { dtype: options?.dtype ?? getBackend().floatDType });
}
