/** Optimisers against closed forms, in both float dtypes, eagerly and recorded. torch's runs: optimisers-torch.test.ts. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  adam,
  adamW,
  clipByGlobalNorm,
  exponentialDecay,
  type LearningRate,
  type Optimiser,
  rmsProp,
  type StepState,
  sgd,
} from '@neuralode/nn';
import { ArgumentError, memory, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';

// one for each test, so that what earlier ones dropped is not counted until it is collected or paged out
beforeEach(() => setBackend(reference()));

/** Parameters after `grads.length` updates of `start`. */
function run<S>(optimiser: Optimiser<S>, start: number[], grads: readonly number[][]): number[] {
  let params: { w: Tensor } = { w: tensor(start) };
  let state = optimiser.init(params);
  for (const grad of grads)
    ({ params, state } = optimiser.update({ w: tensor(grad) }, state, params));
  return [...params.w.dataSync()];
}

const close = (values: number[], digits = 12) =>
  values.map((value) => expect.closeTo(value, digits));

describe('sgd', () => {
  it('steps along the gradient', () => {
    expect(run(sgd({ learningRate: 0.1 }), [1, 2], [[3, -4]])).toEqual(close([0.7, 2.4]));
  });

  it('with momentum μ and a constant gradient, moves by lr · g · (1 − μⁿ) / (1 − μ) in step n', () => {
    const path = run(sgd({ learningRate: 0.1, momentum: 0.9 }), [0], [[1], [1], [1]]);
    expect(path).toEqual(close([-0.1 * (1 + 1.9 + 2.71)]));
  });

  it('looks ahead with nesterov', () => {
    const options = { learningRate: 0.1, momentum: 0.9 };
    expect(run(sgd({ ...options, nesterov: true }), [0], [[1]])).toEqual(close([-0.19]));
    expect(run(sgd(options), [0], [[1]])).toEqual(close([-0.1]));
    expect(() => sgd({ learningRate: 0.1, nesterov: true })).toThrow(
      /there is none. Pass \{ momentum/,
    );
  });

  it('shrinks parameters with weightDecay', () => {
    expect(run(sgd({ learningRate: 0.1, weightDecay: 0.5 }), [2], [[0]])).toEqual(close([1.9]));
  });
});

describe('adam', () => {
  it('makes a first step of the learning rate against the sign, however long the gradient', () => {
    const away = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(away, fc.boolean(), (size, positive) => {
        const grad = positive ? size : -size;
        const [value] = run(adam({ learningRate: 0.1 }), [1], [[grad]]);
        expect(value).toBeCloseTo(1 - (0.1 * grad) / (Math.abs(grad) + 1e-8), 12);
      }),
    );
  });

  it('goes on in steps of the learning rate under a constant gradient', () => {
    expect(run(adam({ learningRate: 0.1 }), [1], [[2], [2], [2]])).toEqual(close([0.7], 7));
  });

  it('has no memory with b1 = b2 = 0', () => {
    const none = adam({ learningRate: 0.1, b1: 0, b2: 0 });
    expect(run(none, [0], [[5], [-3]])).toEqual(close([0], 8));
  });

  it.each([
    ['b1', { b1: 0.5 }],
    ['b2', { b2: 0.5 }],
    ['epsilon', { epsilon: 1 }],
    ['learningRate', { learningRate: 0.5 }],
  ])('%s matters', (_name, option) => {
    const grads = [[1], [-3], [2]];
    expect(run(adam(option), [1], grads)).not.toEqual(run(adam(), [1], grads));
  });

  it('corrects its bias accurately in float32', () => {
    const optimiser = adam({ learningRate: 1 });
    const params = { w: tensor([0], { dtype: 'float32' }) };
    const { params: after } = optimiser.update(
      { w: tensor([0.5], { dtype: 'float32' }) },
      optimiser.init(params),
      params,
    );
    expect(after.w.dtype).toBe('float32');
    expect(after.w.dataSync()[0]).toBeCloseTo(-1, 6);
  });

  it('W decays outside the scaling', () => {
    const [value] = run(adamW({ learningRate: 0.1, weightDecay: 0.5 }), [2], [[0]]);
    expect(value).toBeCloseTo(2 * (1 - 0.05), 14);
    expect(run(adamW({ learningRate: 0.1 }), [2], [[0]])).toEqual(close([2 * (1 - 0.001)]));
  });
});

describe('rmsProp', () => {
  it('divides by the running root mean square', () => {
    const root = Math.sqrt(0.25 * 4);
    expect(run(rmsProp({ learningRate: 0.1, decay: 0.75 }), [1], [[2]])).toEqual(
      close([1 - 0.1 * (2 / (root + 1e-8))]),
    );
  });

  it('adds momentum to the scaled gradient', () => {
    const options = { learningRate: 0.1, decay: 0, epsilon: 0 };
    expect(run(rmsProp(options), [0], [[2], [3]])).toEqual(close([-0.2]));
    expect(run(rmsProp({ ...options, momentum: 0.5 }), [0], [[2], [3]])).toEqual(close([-0.25]));
  });

  it.each([
    ['decay', { decay: 0.5 }],
    ['epsilon', { epsilon: 1 }],
    ['momentum', { momentum: 0.5 }],
    ['learningRate', { learningRate: 0.5 }],
  ])('%s matters', (_name, option) => {
    const grads = [[1], [-3], [2]];
    expect(run(rmsProp(option), [1], grads)).not.toEqual(run(rmsProp(), [1], grads));
  });
});

describe('clipByGlobalNorm', () => {
  const clipped = clipByGlobalNorm(1, sgd({ learningRate: 1 }));

  it('shortens long gradients to the norm, over all leaves together', () => {
    const params = { a: tensor([0]), b: tensor([[0]]) };
    const grads = { a: tensor([3]), b: tensor([[4]]) };
    const { params: after } = clipped.update(grads, clipped.init(params), params);
    expect([after.a.itemSync(), after.b.itemSync()]).toEqual(close([-0.6, -0.8], 15));
  });

  it('leaves short ones alone, to the bit, and zero ones zero', () => {
    expect(run(clipped, [0, 0], [[0.3, 0.1]])).toEqual([-0.3, -0.1]);
    expect(run(clipped, [0, 0], [[0, 0]])).toEqual([0, 0]);
  });

  it('never exceeds the norm', () => {
    const element = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 5 }), (grad) => {
        const moved = run(
          clipped,
          grad.map(() => 0),
          [grad],
        );
        expect(Math.hypot(...moved)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  it('refuses a norm that is not positive', () => {
    expect(() => clipByGlobalNorm(0, sgd({ learningRate: 1 }))).toThrow(ArgumentError);
  });
});

describe('learning rates', () => {
  it.each([
    ['sgd', (learningRate: LearningRate) => sgd({ learningRate })],
    ['adam', (learningRate: LearningRate) => adam({ learningRate })],
    ['adamW', (learningRate: LearningRate) => adamW({ learningRate })],
    ['rmsProp', (learningRate: LearningRate) => rmsProp({ learningRate })],
  ])(
    'of a schedule follow the count of updates: %s',
    (_name, make: (rate: LearningRate) => Optimiser<unknown>) => {
      const first = 1 - run(make(0.5), [1], [[2]])[0];
      const path = run(make(exponentialDecay({ start: 0.5, factor: 1e-9 })), [1], [[2], [2]]);
      // after a rate of 5e-10 in the second update, only the first shows
      expect(path).toEqual(close([1 - first], 8));
    },
  );

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuse %s', (learningRate) => {
    expect(() => adam({ learningRate })).toThrow(/adam: learningRate out of range/);
  });

  it.each([1, -0.1, Number.NaN])('and averages that keep %s of themselves', (fraction) => {
    expect(() => adam({ b1: fraction })).toThrow(ArgumentError);
    expect(() => adam({ b2: fraction })).toThrow(ArgumentError);
    expect(() => rmsProp({ decay: fraction })).toThrow(ArgumentError);
    expect(() => sgd({ learningRate: 1, momentum: fraction })).toThrow(ArgumentError);
  });
});

describe('update', () => {
  const all: [string, Optimiser<unknown>][] = [
    ['sgd', sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 })],
    ['adam', adam()],
    ['adamW', adamW({ learningRate: exponentialDecay({ start: 0.1, factor: 0.9 }) })],
    ['rmsProp', rmsProp({ momentum: 0.9 })],
    ['clipped adam', clipByGlobalNorm(0.5, adam())],
  ];

  it.each(all)('recorded in jit gives the same as run at once: %s', async (_name, optimiser) => {
    const recorded = jit(optimiser.update) as typeof optimiser.update;
    let params = { a: tensor([1, 2]), b: [tensor([[3]])] };
    let state = optimiser.init(params);
    let eager = { params, state };
    const grads = { a: tensor([0.5, -1]), b: [tensor([[2]])] };
    for (let i = 0; i < 3; i++) {
      ({ params, state } = await recorded(grads, state, params));
      eager = optimiser.update(grads, eager.state, eager.params);
    }
    expect(params.a.arraySync()).toEqual(eager.params.a.arraySync());
    expect(params.b[0].arraySync()).toEqual(eager.params.b[0].arraySync());
  });

  it.each(all)(
    'leaves nothing but its result behind when recorded: %s',
    async (_name, optimiser) => {
      const recorded = jit(optimiser.update) as typeof optimiser.update;
      const params = { a: tensor([1, 2]) };
      const grads = { a: tensor([0.5, -1]) };
      const before = memory().liveBuffers;
      const state = optimiser.init(params);
      const stateBuffers = memory().liveBuffers - before;
      await recorded(grads, state, params);
      expect(memory().liveBuffers - before).toBe(2 * stateBuffers + 1);
    },
  );

  it.each(all)('keeps the dtype of each leaf: %s', (_name, optimiser) => {
    const params = { a: tensor([1], { dtype: 'float32' }), b: tensor([1]) };
    const state = optimiser.init(params);
    const { params: after } = optimiser.update(params, state, params);
    expect([after.a.dtype, after.b.dtype]).toEqual(['float32', 'float64']);
    expect(after.a.itemSync()).toBeCloseTo(after.b.itemSync(), 6);
  });

  it.each(all)('counts itself, in whole numbers: %s', (_name, optimiser) => {
    const params = { w: tensor([1]) };
    const before = optimiser.init(params) as StepState;
    const { state } = optimiser.update(params, before, params) as { state: StepState };
    expect([before.step.itemSync(), state.step.itemSync(), state.step.dtype]).toEqual([
      0,
      1,
      'int32',
    ]);
  });

  it('names gradients and states of other parameters', () => {
    const params = { w: tensor([1]) };
    const state = adam().init(params);
    expect(() => adam().update({ v: tensor([1]) } as never, state, params)).toThrow(
      /adam: gradients of other parameters.*got v; expected w/,
    );
    const other = adam().init({ v: tensor([1]) });
    expect(() => adam().update(params, other, params)).toThrow(
      /adam: state of other parameters \(mean\)/,
    );
  });
});
