/**
 * Where the time of a training step goes: its parts, each compiled and timed on its own, times how often a step runs them.
 * What is fused across two parts in the whole step shows in what remains.
 */
import { direct, backsolve } from '@neuralode/adjoint';
import { jit, valueAndGrad, vjp } from '@neuralode/autodiff';
import { groupNorm } from '@neuralode/nn';
import { type ConvFieldParams, convField, resnet, timeConv2d } from '@neuralode/odenet';
import { dopri5, odeint, type OdeintOptions } from '@neuralode/solvers';
import { disposeTree, random, relu, type Tensor, tensor } from '@neuralode/tensor';
import { evaluationOperations, outsideOperations } from './operations.ts';
import { channels, type OdenetProblem, stateSide } from './problem.ts';
import { trainingSteps } from './training.ts';

export type Gradient = 'direct' | 'backsolve';

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

/** Operations a second that the convolutions reach on their own. */
export interface ConvolutionRates {
  /** 3 × 3, of the field. */
  readonly forward: number;
  /** By its input and by its filter. */
  readonly backward: number;
  /** Downsampling, head, loss and update with all that is no convolution. */
  readonly outside: number;
}

/** Milliseconds of a function forwards, and there and back. */
interface Timed {
  readonly forward: number;
  readonly both: number;
}

const runs = 5;

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

async function timed(
  fn: (params: ConvFieldParams, x: Tensor) => Tensor,
  batch: number,
): Promise<Timed> {
  const rng = random(0);
  const params = convField(channels).init(rng);
  const x = rng.normal([batch, stateSide, stateSide, channels]);
  const there = jit(fn);
  const andBack = jit((p: ConvFieldParams, y: Tensor) => vjp(fn, [p, y], y));
  const forward = await shortest(() => there(params, x));
  const both = await shortest(() => andBack(params, x));
  disposeTree([params, x]);
  return { forward, both };
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

const gradients = { direct, backsolve };
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
  const convolved = await timed(convolutions, batch);
  const normed = await timed(norms, batch);
  const rest = await trainingSteps(resnet({ channels, blocks: 0 }), problem, runs + 2);
  const outside = Math.min(...rest.slice(2).map(({ milliseconds }) => milliseconds));
  const operations = evaluationOperations(batch);
  return {
    parts: {
      convolution: total(convolved, gradient, counts),
      groupNorm: total(normed, gradient, counts),
      ...(await solverParts(batch, gradient, counts)),
      outside,
    },
    rates: {
      forward: (1000 * operations) / convolved.forward,
      backward: (1000 * 2 * operations) / (convolved.both - convolved.forward),
      outside: (1000 * outsideOperations(batch)) / outside,
    },
  };
}
