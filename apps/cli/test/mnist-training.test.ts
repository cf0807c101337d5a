/** How `mnist` shows digits in training, and how it descends. */
import { reference } from '@neuralode/backend-reference';
import { evaluate, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Digits, digitTensors, side } from '../src/mnist/digits.ts';
import { mnistOptimiser } from '../src/mnist/mnist-optimiser.ts';
import type { MnistOptions } from '../src/options.ts';

beforeAll(() => setBackend(reference()));

describe('a crop', () => {
  const count = 50;
  const pixels = new Uint8Array(count * side * side);
  // one point of ink in the middle of each
  for (let i = 0; i < count; i++) pixels[i * side * side + 14 * side + 14] = 255;
  const digits: Digits = { count, pixels, labels: new Uint8Array(count) };
  const examples = Array.from({ length: count }, (_, i) => i);

  test('moves each digit by itself, by up to so many pixels each way', async () => {
    const { pictures } = digitTensors(digits, examples, { padding: 2, rng: random(1) });
    const values = Float64Array.from(await pictures.data(), Number);
    const places = examples.map((i) => {
      const own = values.slice(i * side * side, (i + 1) * side * side);
      expect(own.reduce((sum, value) => sum + value, 0)).toBe(1);
      const at = own.indexOf(1);
      return [Math.floor(at / side) - 14, (at % side) - 14] as const;
    });
    for (const axis of [0, 1]) {
      expect([...new Set(places.map((place) => place[axis]))].sort((a, b) => a! - b!)).toEqual([
        -2, -1, 0, 1, 2,
      ]);
    }
    const again = digitTensors(digits, examples, { padding: 2, rng: random(1) });
    expect(Float64Array.from(await again.pictures.data(), Number)).toEqual(values);
  });

  test('of no pixels leaves them', async () => {
    const still = digitTensors(digits, examples, { padding: 0, rng: random(1) });
    expect(await still.pictures.data()).toEqual(
      await digitTensors(digits, examples).pictures.data(),
    );
  });
});

/** Where a parameter at 0 goes whose gradient is always 1. */
async function descent(
  options: Pick<MnistOptions, 'optimiser' | 'learningRate'>,
  iterations: number,
): Promise<number[]> {
  const optimiser = mnistOptimiser(options, iterations);
  let params: Tensor = tensor(0);
  let state = optimiser.init(params);
  const places: number[] = [];
  for (let i = 0; i < iterations; i++) {
    const after = await evaluate(() => optimiser.update(tensor(1), state, params));
    params = after.params as Tensor;
    state = after.state;
    places.push(params.itemSync() as number);
  }
  return places;
}

describe('the optimiser', () => {
  test('sgd has momentum 0.9 and rates that fall after 60, 100 and 140 of 160 parts', async () => {
    const places = await descent({ optimiser: 'sgd' }, 16);
    let [place, velocity] = [0, 0];
    const wanted = places.map((_, i) => {
      velocity = 0.9 * velocity + 1;
      place -= (i < 6 ? 0.1 : i < 10 ? 0.01 : i < 14 ? 0.001 : 0.0001) * velocity;
      return place;
    });
    for (const [i, each] of places.entries()) expect(each).toBeCloseTo(wanted[i]!, 12);
  });

  test('adam goes by its rate, which falls by half a cosine from what is asked', async () => {
    const places = await descent({ optimiser: 'adam', learningRate: 0.5 }, 8);
    let place = 0;
    places.forEach((each, i) => {
      place -= (0.5 * (1 + Math.cos((Math.PI * i) / 8))) / 2;
      expect(each).toBeCloseTo(place, 6);
    });
  });
});
