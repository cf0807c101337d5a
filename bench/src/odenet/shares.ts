/**
 * Where the time of a training step goes: its parts, each compiled and timed on its own, times how often a step runs them.
 * What is fused across two parts in the whole step shows in what remains.
 */
import { jit, valueAndGrad, vjp } from '@neuralode/autodiff';
import { conv2d, groupNorm } from '@neuralode/nn';
import { type ConvFieldParams, convField, resnet, timeConv2d } from '@neuralode/odenet';
import { dopri5, odeint, type OdeintOptions } from '@neuralode/solvers';
import { disposeTree, random, relu, type Tensor, tensor } from '@neuralode/tensor';
import { type Gradient, gradients } from '../training/measure.ts';
import { evaluationOperations, halvingOperations } from './operations.ts';
import { channels, fullSide, type OdenetProblem, stateSide } from './problem.ts';
import { trainingSteps } from './training.ts';

/** How often a step runs its parts. */
export interface Counts {
  readonly nfeForward: number;
  readonly nfeBackward: number;
  /** Steps of the solver, rejected ones included. */
  readonly stepsForward: number;
  readonly stepsBackward: number;
}

/** Milliseconds of a training step by its parts. */
export interface Parts {
  readonly convolution: number;
  readonly groupNorm: number;
  /** Stages, new states and, on the way back, their derivatives. */
  readonly solverArithmetic: number;
  readonly errorNorm: number;
  /** What stands before and after the block, the loss and the update. */
  readonly outside: number;
}

/** Operations a second that a convolution reaches on its own: forwards, and by its input and its filter. */
export interface ConvolutionRate {
  readonly forward: number;
  readonly backward: number;
}

/** Those of the field (3 × 3), and the larger one of the two that halve a picture (4 × 4, stride 2). */
export interface ConvolutionRates {
  readonly field: ConvolutionRate;
  readonly halving: ConvolutionRate;
}

/** Milliseconds of a function forwards, and there and back. */
interface Timed {
  readonly forward: number;
  readonly both: number;
}

const runs = 20;

/** Milliseconds of the shortest of some runs, after one that compiles and one that warms up. */
async function shortest(run: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs + 2; i++) {
    const start = performance.now();
    const result = await run();
    const milliseconds = performance.now() - start;
    disposeTree(result);
    if (i >= 2) least = Math.min(least, milliseconds);
  }
  return least;
}

async function timed<P>(
  fn: (params: P, x: Tensor) => Tensor,
  params: P,
  shape: readonly number[],
): Promise<Timed> {
  const x = random(1).normal(shape);
  const there = jit(fn);
  const andBack = jit((p: P, y: Tensor, cotangent: Tensor) => vjp(fn, [p, y], cotangent));
  const forward = await shortest(() => there(params, x));
  const cotangent = await there(params, x);
  const both = await shortest(() => andBack(params, x, cotangent));
  disposeTree([params, x, cotangent]);
  return { forward, both };
}

function rateOf({ forward, both }: Timed, operations: number): ConvolutionRate {
  const backward = (1000 * 2 * operations) / (both - forward);
  return { forward: (1000 * operations) / forward, backward };
}

/** Both convolutions of the field, one after the other. */
function convolutions({ convolutions: [first, second] }: ConvFieldParams, x: Tensor): Tensor {
  const layer = timeConv2d(channels, channels);
  const t = tensor(0.5, { dtype: 'float32' });
  return layer.apply(second, t, layer.apply(first, t, x));
}

/** The three norms of the field with the relus that follow the first two. */
function norms({ norms: [first, second, third] }: ConvFieldParams, x: Tensor): Tensor {
  const layer = groupNorm(channels);
  const twice = relu(layer.apply(second, relu(layer.apply(first, x))));
  return layer.apply(third, twice);
}

const adaptive = dopri5();
/** The same steps without an error estimate. */
const fixed = { kind: 'fixed', tableau: adaptive.tableau } as const;

/** Milliseconds of one step of a solve whose field is next to nothing, forwards, or there and back. */
async function stepTime(
  batch: number,
  solver: typeof adaptive | typeof fixed,
  gradient: Gradient,
  isTrained: boolean,
): Promise<number> {
  const rng = random(0);
  const scale = rng.normal([channels], 0, 0.01);
  const start = rng.normal([batch, stateSide, stateSide, channels]);
  const stepSize = 1 / 64;
  const steps =
    solver.kind === 'fixed'
      ? { solver, stepSize }
      : { solver, firstStep: stepSize, maxStep: stepSize, rtol: 1, atol: 1 };
  const field = (_: Tensor, y: Tensor, p: Tensor): Tensor => y.mul(p);
  const total = async (count: number): Promise<number> => {
    const end = (p: Tensor, y: Tensor): Tensor =>
      odeint(field, y, [0, count * stepSize], {
        args: p,
        gradient: gradients[gradient](),
        ...steps,
      } as OdeintOptions<Tensor>).ys.at(-1);
    const loss = ([p, y]: [Tensor, Tensor]): Tensor => end(p, y).square().sum();
    const trained = jit((p: Tensor, y: Tensor) => valueAndGrad(loss)([p, y]));
    const forward = jit((p: Tensor, y: Tensor) => loss([p, y]));
    return shortest(() => (isTrained ? trained(scale, start) : forward(scale, start)));
  };
  const [few, many] = [4, 12];
  const time = ((await total(many)) - (await total(few))) / (many - few);
  disposeTree([scale, start]);
  return time;
}

/** Solver arithmetic and error norm of a training step. */
async function solverParts(
  batch: number,
  gradient: Gradient,
  { stepsForward, stepsBackward }: Counts,
): Promise<Pick<Parts, 'solverArithmetic' | 'errorNorm'>> {
  const plain = await stepTime(batch, fixed, gradient, false);
  const checked = await stepTime(batch, adaptive, gradient, false);
  const plainBoth = await stepTime(batch, fixed, gradient, true);
  const checkedBoth = await stepTime(batch, adaptive, gradient, true);
  // direct walks back over steps that are settled: no error there
  const normBackward = gradient === 'direct' ? 0 : checkedBoth - plainBoth - (checked - plain);
  return {
    solverArithmetic: stepsForward * plain + stepsBackward * (plainBoth - plain),
    errorNorm: stepsForward * (checked - plain) + stepsBackward * normBackward,
  };
}

/** `direct` keeps what it needs of each evaluation, `backsolve` evaluates the field again. */
function total({ forward, both }: Timed, gradient: Gradient, counts: Counts): number {
  const back = gradient === 'direct' ? both - forward : both;
  return counts.nfeForward * forward + counts.nfeBackward * back;
}

/** The parts of a step of `problem`, and how fast its convolutions are. */
export async function measureParts(
  problem: OdenetProblem,
  gradient: Gradient,
  counts: Counts,
): Promise<{ readonly parts: Parts; readonly rates: ConvolutionRates }> {
  const batch = problem.labels.length;
  const state = [batch, stateSide, stateSide, channels];
  const fieldParams = (): ConvFieldParams => convField(channels).init(random(0));
  const convolved = await timed(convolutions, fieldParams(), state);
  const normed = await timed(norms, fieldParams(), state);
  const halving = conv2d(channels, channels, { kernel: 4, stride: 2, padding: 1 });
  const large = [batch, fullSide, fullSide, channels];
  const halved = await timed(halving.apply, halving.init(random(0)), large);
  const rest = await trainingSteps(resnet({ channels, blocks: 0 }), problem, runs + 2);
  const outside = Math.min(...rest.slice(2).map(({ milliseconds }) => milliseconds));
  return {
    parts: {
      convolution: total(convolved, gradient, counts),
      groupNorm: total(normed, gradient, counts),
      ...(await solverParts(batch, gradient, counts)),
      outside,
    },
    rates: {
      field: rateOf(convolved, evaluationOperations(batch)),
      halving: rateOf(halved, halvingOperations(batch)),
    },
  };
}
