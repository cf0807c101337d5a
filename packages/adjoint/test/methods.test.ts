/**
 * Gradients through every explicit method, against central differences in float64: exact for the discrete solution with
 * `direct()`, and to the accuracy of the solve with `backsolve()`.
 */
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  bosh3,
  cashKarp,
  dop853,
  fehlberg45,
  type FixedStepSolver,
  type GradientMethod,
  heun,
  heunEuler,
  odeint,
  type OdeintOptions,
  ralston,
  rk38,
  type SolveStats,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { evaluate, memory, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { backsolve, direct } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeEach(async () => {
  await setBackend(reference());
});

/** y0, a weight, and the times inside the span; the ends of the span stand still, and with them the steps. */
const shapes = [[2], [2, 2], [3]];
const start = [0.7, -0.4, 0.3, -0.9, 1.1, 0.2];
const fixedStep = (solver: FixedStepSolver): OdeintOptions<Tensor> => ({ solver, stepSize: 0.13 });
const held = (solver: AdaptiveSolver): OdeintOptions<Tensor> => ({
  solver,
  firstStep: 0.13,
  maxStep: 0.13,
  rtol: 1e6,
  atol: 1e6,
});

/** How closely the backward solve agrees follows from how accurate so coarse a solve is. */
const cases: readonly [string, OdeintOptions<Tensor>, number][] = [
  ['heun', fixedStep(heun()), 2e-2],
  ['ralston', fixedStep(ralston()), 2e-2],
  ['rk38', fixedStep(rk38()), 2e-4],
  ['heunEuler', held(heunEuler()), 2e-2],
  ['bosh3', held(bosh3()), 2e-3],
  ['fehlberg45', held(fehlberg45()), 1e-4],
  ['cashKarp', held(cashKarp()), 1e-4],
  ['tsit5', held(tsit5()), 1e-4],
  ['vern7', held(vern7()), 1e-6],
  ['dop853', held(dop853()), 1e-6],
];

function loss(options: OdeintOptions<Tensor>, backwards: boolean) {
  return ([y0, w, inside]: readonly Tensor[]): Tensor => {
    const field = (t: Tensor, y: Tensor, weight: Tensor): Tensor =>
      weight
        .matMul(y.reshape([2, 1]))
        .reshape([2])
        .tanh()
        .mul(t.cos().add(1));
    const [first, last] = backwards ? [1.2, 0] : [0, 1.2];
    const ts = inside
      .pad([1], [0])
      .add(tensor([first, 0, 0, 0]))
      .pad([0], [1]);
    const times = ts.add(tensor([0, 0, 0, 0, last]));
    const { ys } = odeint(field, y0, times, { ...options, args: w });
    return ys
      .square()
      .mul(tensor([[0.3], [1], [0.4], [0.7], [1.3]]))
      .sum();
  };
}

describe.each([
  ['forwards', [0.21, 0.27, 0.86]],
  ['backwards', [1.1, 0.57, 0.54]],
])('%s in time', (direction, inside) => {
  const backwards = direction === 'backwards';
  const x = [...start, ...inside];

  it.each(cases)('%s', (_, options, tolerance) => {
    const onHost = (flat: readonly number[]): number =>
      evaluate.sync(() => loss(options, backwards)(unpack(flat, shapes))).itemSync();
    const gradientBy = (gradient: GradientMethod): number[] =>
      pack(grad(loss({ ...options, gradient }, backwards)).sync(unpack(x, shapes)));
    const differences = centralGradient(onHost, x);
    expect(relativeError(gradientBy(direct()), differences)).toBeLessThan(1e-9);
    expect(relativeError(gradientBy(backsolve()), differences)).toBeLessThan(tolerance);
  });
});

describe.each([
  ['vern7', vern7(), 10, 5],
  ['dop853', dop853(), 12, 3],
] as const)('%s: the stages that only its interpolant needs', (_, solver, perStep, extra) => {
  const options = { ...held(solver), gradient: direct() };
  const field = (_t: Tensor, y: Tensor, w: Tensor): Tensor => y.mul(w).sin();

  /** Forward and backward evaluations of a gradient by what is observed at `weights` that are not 0. */
  const evaluations = (times: readonly number[], weights: readonly number[]): number[] => {
    const heard: SolveStats[] = [];
    const observed = (w: Tensor): Tensor => {
      const onSolve = (stats: SolveStats): number => heard.push(stats);
      const { ys } = odeint(field, tensor([1, 2]), times, { ...options, args: w, onSolve });
      return weights
        .flatMap((weight, i) => (weight === 0 ? [] : [ys.at(i).sum().mul(weight)]))
        .reduce((a, b) => a.add(b));
    };
    grad(observed).sync(tensor([0.4, 0.9]));
    return heard.map(({ nfe }) => nfe);
  };

  it('are evaluated, and walked back, once in each step with observations inside', () => {
    // ten steps of 0.13
    const plain = 1 + 10 * perStep;
    expect(evaluations([0, 1.3], [0, 1])).toEqual([plain, plain]);
    const two = plain + 2 * extra;
    expect(evaluations([0, 0.2, 0.21, 0.22, 1, 1.3], [0, 1, 1, 1, 1, 1])).toEqual([two, two]);
  });

  it('leave nothing on the device', () => {
    const w = tensor([0.4, 0.9]);
    const before = memory().liveBuffers;
    const final = (weight: Tensor): Tensor =>
      odeint(field, weight, [0, 0.2, 0.5, 1.3], { ...options, args: weight }).ys.sum();
    grad(final).sync(w).dispose();
    expect(memory().liveBuffers).toBe(before);
  });
});
