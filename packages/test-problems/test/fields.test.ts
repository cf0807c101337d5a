/** The two readings of a problem's equations agree, and those that cannot be read are refused. */
import { reference } from '@neuralode/backend-reference';
import { setBackend, tensor } from '@neuralode/tensor';
import { detest, numberField, type Problem, stiff, tensorField } from '@neuralode/test-problems';
import { beforeAll, expect, it } from 'vitest';

beforeAll(async () => {
  await setBackend(reference());
});

it.each([...detest, ...stiff])('$name: on numbers as on tensors', (problem) => {
  // away from the start, where many components are zero
  const y = problem.y0.map((value, i) => value + problem.smallness * (1 + i / 10));
  const t = problem.times[1] / 3;
  const numbers = new Float64Array(y.length);
  numberField(problem)(t, y, numbers);
  const tensors = tensorField(problem)(tensor(t), tensor(y)).dataSync();
  numbers.forEach((value, i) => {
    expect(Math.abs(tensors[i] - value)).toBeLessThanOrEqual(1e-12 * Math.abs(value));
  });
});

const read = (expression: string): number => {
  const problem = { ...detest[0], equations: [expression] } as Problem;
  return tensorField(problem)(tensor(2), tensor([3])).dataSync()[0];
};

it('precedences are those of Python', () => {
  expect(read('-y[0] ** 2')).toBe(-9);
  expect(read('2 ** -1 * y[0]')).toBe(1.5);
  expect(read('2 ** 3 ** 2 + 0 * t')).toBe(512);
  expect(read('7 - y[0] - 1')).toBe(3);
  expect(read('12 / y[0] / 2')).toBe(2);
  expect(read('1.5e1 - (y[0] - 1) * t')).toBe(11);
});

it.each(['y[0] +', 'y[0] y[0]', '(y[0]', 'x + 1', 'y[0] # 2', 'sin y[0]'])(
  '%s is refused',
  (bad) => {
    expect(() => read(bad)).toThrow(SyntaxError);
  },
);
