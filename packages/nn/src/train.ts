/**
 * The training loop: batch, loss and gradient, update, report; again. Loss, gradient and update are recorded once and
 * run as one graph. Nothing is read back from the device but the loss, with the check that it and its gradient are
 * finite; what a loss reports besides stays on the device until the caller reads it.
 *
 * The loop owns what it makes: parameters, optimiser state and batch are freed as they are replaced. What it is given
 * stays the caller's, and what it returns becomes the caller's.
 */
import { jit, valueAndGrad } from '@neuralode/autodiff';
import {
  ArgumentError,
  type Complaint,
  disposeTree,
  leavesWithPaths,
  NeuralodeError,
  type Random,
  randomFromState,
  stack,
  Tensor,
} from '@neuralode/tensor';
import type { Optimiser } from './optimiser.ts';
import { comesOfNumbers, nonFiniteIn } from './non-finite-data.ts';
import { firstState, sharedState, type TrainingState } from './training-state.ts';
import { TrainingError } from './training-error.ts';
import { makeTurns } from './turns.ts';
import { requireValidation, type Validation, validate } from './validation.ts';

/** What a loss function returns: a scalar tensor, or that and any tree to report. */
export type Loss<Aux> = Tensor | readonly [Tensor, Aux];

/** Makes one iteration's batch, a tree of tensors. */
export type BatchFunction<B> = (iteration: number, rng: Random) => B | Promise<B>;

/** What is known after an iteration. Everything in it is lent until the callback is done. */
export interface TrainingProgress<P, S, Aux> {
  /** Iterations done, this one included; in a continued run, those of the first part too. */
  readonly iteration: number;
  /** Iterations asked for. */
  readonly iterations: number;
  /** The loss on this iteration's batch, before its update. */
  readonly loss: number;
  /** What the loss function returned beside the loss, still on the device. */
  readonly aux: Aux;
  /** The score of the validation, where this iteration had one. */
  readonly validation?: number;
  /** Since `train` was called. */
  readonly seconds: number;
  /** Where the run stands after the update: what `encodeTrainingState` saves. */
  readonly state: TrainingState<P, S>;
}

/** Settings of `train`. */
export interface TrainOptions<P, S, B, Aux> {
  /** Where to start: a tree of float tensors. Not needed with `from`. */
  readonly params?: P;
  readonly optimiser: Optimiser<S>;
  /**
   * The tree that every iteration sees, or a function that makes one for each, given the number of iterations before
   * it and the run's own random numbers. Tensors from the function are disposed of after their iteration; a number in
   * the tree is a constant of the recording, and a new value of it makes a new one.
   */
  readonly batch: B | BatchFunction<B>;
  /** Recorded, so it draws no random numbers: draw what it needs in `batch`. Write it below `batch`, whose type TypeScript then knows. */
  readonly loss: (params: P, batch: B) => Loss<Aux>;
  /** Leaves tensors from a batch function alone, where it hands out the same ones again. Default false. */
  readonly keepBatches?: boolean;
  /** How many iterations in all, those before `from` included. */
  readonly iterations: number;
  /** Of the random numbers that `batch` gets. Default 0. Not used with `from`. */
  readonly seed?: number;
  /** Continues a run: gives what the uninterrupted run would have given, bit for bit. */
  readonly from?: TrainingState<P, S>;
  /** Called after each iteration, and awaited. */
  readonly onIteration?: (progress: TrainingProgress<P, S, Aux>) => void | Promise<void>;
  /** Scores parameters now and then; the best are kept in the state, and so in the result. */
  readonly validation?: Validation<P>;
  /** Stops after the current iteration; what was reached is returned. */
  readonly signal?: AbortSignal;
}

/** Where a run ended. Can be passed on as `from`. */
export interface TrainingResult<P, S> extends TrainingState<P, S> {
  /** `aborted` by the signal, before all iterations were done. */
  readonly stopped: 'completed' | 'aborted';
  /** The last iteration's loss; NaN where none was run. */
  readonly loss: number;
  readonly seconds: number;
}

/**
 * Trains parameters; see the head of this file.
 *
 *     const { params } = await train({
 *       params: model.init(random(0)),
 *       optimiser: adam({ learningRate: 0.01 }),
 *       batch: { x, y },
 *       loss: (p, { x, y }) => model.apply(p, x).sub(y).square().mean(),
 *       iterations: 500,
 *       onIteration: ({ iteration, loss }) => console.log(iteration, loss),
 *     });
 *
 * @throws TrainingError where a loss or gradient is not finite or an iteration fails; it holds the state before that
 *   iteration. What `batch` and `onIteration` throw comes through unchanged.
 */
export async function train<P, S, B, Aux = undefined>(
  options: TrainOptions<P, S, B, Aux>,
): Promise<TrainingResult<P, S>> {
  const { iterations, signal } = options;
  requireIterations(iterations);
  requireValidation(options.validation);
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  const step = trainingStep(options);
  const turns = makeTurns();
  let state = startOf(options);
  let loss = Number.NaN;
  const rng = randomFromState(state.random);
  try {
    while (state.iteration < iterations && !signal?.aborted) {
      const after = await iterate(step, state, rng, options);
      disposeReplaced(state);
      ({ state, loss } = after);
      try {
        const validated = await validate(state, options.validation);
        state = validated.state;
        await options.onIteration?.({
          iteration: state.iteration,
          iterations,
          loss,
          aux: after.aux,
          ...(validated.score !== undefined && { validation: validated.score }),
          seconds: seconds(),
          state,
        });
      } finally {
        disposeTree(after.aux);
      }
      await turns.next();
    }
  } catch (error) {
    if (!(error instanceof TrainingError && error.state === state)) disposeAll(state);
    throw error;
  }
  const stopped = state.iteration < iterations ? 'aborted' : 'completed';
  return { ...state, loss, stopped, seconds: seconds() };
}

/** Frees what an iteration has replaced: all but the best parameters, which validation replaces. */
function disposeReplaced({ params, optimiser }: TrainingState<unknown, unknown>): void {
  disposeTree(params);
  disposeTree(optimiser);
}

function disposeAll(state: TrainingState<unknown, unknown>): void {
  disposeReplaced(state);
  disposeTree(state.best?.params);
}

function requireIterations(iterations: number): void {
  if (Number.isSafeInteger(iterations) && iterations >= 0) return;
  throw new ArgumentError({
    what: 'train: number of iterations',
    got: String(iterations),
    expected: 'a whole number ≥ 0',
  });
}

/** The loop's own handle on where it starts. */
function startOf<P, S>(
  options: Pick<TrainOptions<P, S, unknown, unknown>, 'params' | 'from' | 'optimiser' | 'seed'>,
): TrainingState<P, S> {
  const { params, from, optimiser, seed } = options;
  if (from !== undefined) return sharedState(from);
  if (params !== undefined) return firstState(params, optimiser, seed);
  throw new ArgumentError({
    what: 'train: nothing to start from',
    remedy: 'Pass `params`, or a state as `from`',
  });
}

/** What one run of the recorded step gives. */
interface StepResult<P, S, Aux> {
  readonly params: P;
  readonly optimiser: S;
  readonly aux: Aux;
  /** [loss, a number that is finite exactly if the gradient is]: shape [2], so that one read fetches both. */
  readonly watched: Tensor;
}

type Step<P, S, B, Aux> = (params: P, state: S, batch: B) => Promise<StepResult<P, S, Aux>>;

/** Loss, gradient and update as one recorded function. */
function trainingStep<P, S, B, Aux>(options: TrainOptions<P, S, B, Aux>): Step<P, S, B, Aux> {
  const { loss, optimiser } = options;
  const differentiated = valueAndGrad(
    (params: P, batch: B): readonly [Tensor, Aux] => {
      const result = loss(params, batch);
      return result instanceof Tensor ? [result, undefined as Aux] : result;
    },
    { hasAux: true },
  );
  return jit((params: P, state: S, batch: B) => {
    const { value, aux, grads } = differentiated(params, batch);
    const after = optimiser.update(grads, state, params);
    const watched = stack([value, finiteness(grads, value)]);
    return { params: after.params, optimiser: after.state, aux, watched };
  });
}

/** A scalar that is finite exactly if every element of the tree is: NaN and ∞ survive a sum. */
function finiteness(tree: unknown, like: Tensor): Tensor {
  const sums = leavesWithPaths(tree).map(({ tensor }) => tensor.sum().cast(like.dtype));
  return sums.reduce((total, sum) => total.add(sum), like.mul(0));
}

/** What an iteration leaves behind. */
interface Iterated<P, S, Aux> {
  readonly state: TrainingState<P, S>;
  readonly loss: number;
  readonly aux: Aux;
}

/** One iteration: draws the batch, runs the step, reads the loss. Frees what it made if anything fails. */
async function iterate<P, S, B, Aux>(
  step: Step<P, S, B, Aux>,
  state: TrainingState<P, S>,
  rng: Random,
  options: Pick<TrainOptions<P, S, B, Aux>, 'batch' | 'keepBatches'>,
): Promise<Iterated<P, S, Aux>> {
  const isMade = typeof options.batch === 'function';
  const batch = isMade
    ? await (options.batch as BatchFunction<B>)(state.iteration, rng)
    : (options.batch as B);
  let result: StepResult<P, S, Aux> | undefined;
  try {
    if (isMade) requireLive(batch);
    result = await step(state.params, state.optimiser, batch);
    const [loss, check] = await result.watched.data();
    if (!(Number.isFinite(loss) && Number.isFinite(check)))
      throw await divergence(loss, batch, state);
    result.watched.dispose();
    const { params, optimiser, aux } = result;
    const iteration = state.iteration + 1;
    return { state: { ...state, params, optimiser, iteration, random: rng.state() }, loss, aux };
  } catch (error) {
    disposeTree(result);
    throw await asTrainingError(error, batch, state);
  } finally {
    if (isMade && !options.keepBatches) disposeTree(batch);
  }
}

function requireLive(batch: unknown): void {
  const dead = leavesWithPaths(batch).find(({ tensor }) => tensor.disposed);
  if (dead === undefined) return;
  throw new ArgumentError({
    what: `the batch holds a tensor that has been disposed of${dead.path && `, at ${dead.path}`}`,
    remedy: 'Make fresh tensors for every batch, or pass { keepBatches: true }',
  });
}

/** The error of a loss or gradient that is not finite: of the data where they hold such a number, else of the run. */
async function divergence(
  loss: number,
  batch: unknown,
  state: TrainingState<unknown, unknown>,
): Promise<TrainingError> {
  const iteration = state.iteration + 1;
  const what = Number.isFinite(loss)
    ? `train: the gradient of iteration ${iteration} is not finite (its loss is ${loss})`
    : `train: the loss of iteration ${iteration} is ${loss}`;
  const place = await nonFiniteIn(batch);
  if (place !== undefined) return new TrainingError(complaintOfData(what, place), state);
  const remedy =
    'Lower the learning rate, clip the gradient with clipByGlobalNorm, or look in the loss for log, sqrt or a division at 0; `error.state` is the run before this iteration';
  return new TrainingError({ what, remedy }, state);
}

async function asTrainingError(
  error: unknown,
  batch: unknown,
  state: TrainingState<unknown, unknown>,
): Promise<TrainingError> {
  if (error instanceof TrainingError) return error;
  const failed = `train: iteration ${state.iteration + 1} failed: `;
  const place = comesOfNumbers(error) ? await nonFiniteIn(batch) : undefined;
  if (place !== undefined) {
    const what = failed + (error as NeuralodeError).complaint.what;
    return new TrainingError(complaintOfData(what, place), state, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  const what = failed + message.replace(/\.$/, '');
  const remedy = error instanceof NeuralodeError ? undefined : 'See `error.cause`';
  return new TrainingError({ what, ...(remedy && { remedy }) }, state, { cause: error });
}

function complaintOfData(what: string, place: string): Complaint {
  return {
    what,
    got: place,
    expected: 'finite numbers in the batch',
    remedy:
      'Drop or fill such rows, or mask them before the loss computes with them; else lower the learning rate',
  };
}
