/** Trains one of the compared networks, and notes its loss and its evaluations epoch by epoch. */
import { jit } from '@neuralode/autodiff';
import { adam, batches, train } from '@neuralode/nn';
import { disposeTree, random, type Tensor, tensor } from '@neuralode/tensor';
import { type FlowParams, flowModel } from './flow-model.ts';
import type { Examples, FlowProblem } from './problems.ts';

const batchSize = 64;
const learningRate = 1e-3;

export interface FlowTask {
  readonly problem: FlowProblem;
  /** Dimensions beside those of the points. */
  readonly augment: number;
  readonly seed: number;
  readonly epochs: number;
}

export interface EpochMeans {
  readonly epoch: number;
  readonly loss: number;
  /** Of the field in the forward solve of an iteration. */
  readonly evaluations: number;
}

/** The way of one point: its first coordinate over time, and its first two in the plane of the state. */
export interface PointPath {
  readonly target: number;
  /** At `pathTimes`, coordinate by coordinate. */
  readonly states: readonly (readonly number[])[];
}

export interface FlowResult extends FlowTask {
  readonly epochMeans: readonly EpochMeans[];
  /** On as many fresh points. */
  readonly heldLoss: number;
  readonly paths: readonly PointPath[];
  readonly seconds: number;
}

export const pathTimes = Array.from({ length: 41 }, (_, i) => i / 40);

/** The paths of so many fresh points are drawn. */
const drawn = 60;

type Batch = ReturnType<typeof batchOf>;

export async function trainFlow(task: FlowTask): Promise<FlowResult> {
  const { problem, augment, seed, epochs } = task;
  const evaluations = { sum: 0 };
  const model = flowModel(problem, augment, ({ nfe, pass }) => {
    if (pass === 'forward') evaluations.sum += nfe;
  });
  const lossOf = (params: FlowParams, { points, targets }: Batch) =>
    smoothL1(model.apply(params, points).sub(targets)).mean();
  const examples = problem.draw(random(seed));
  const data = batches({
    count: examples.count,
    size: batchSize,
    seed,
    make: (chosen) => batchOf(examples, chosen),
  });
  const means = new EpochLog(data.perEpoch);
  const { params, seconds } = await train({
    params: model.init(random(seed)),
    optimiser: adam({ learningRate }),
    batch: (iteration) => data.at(iteration),
    loss: lossOf,
    iterations: epochs * data.perEpoch,
    onIteration: ({ loss }) => {
      means.add(loss, evaluations.sum);
      evaluations.sum = 0;
    },
  });
  await data.dispose();
  const held = problem.draw(random(-1 - seed));
  const heldLoss = await lossOn(lossOf, params, held);
  const paths = await pathsOf(model, params, held);
  disposeTree(params);
  return { ...task, epochMeans: means.epochs, heldLoss, paths, seconds };
}

/** torch's `SmoothL1Loss`, which the comparison was published with: x²/2 up to 1, then |x| − ½. */
export function smoothL1(x: Tensor): Tensor {
  const size = x.abs();
  const near = size.minimum(1);
  return near.square().mul(0.5).add(size.sub(near));
}

/** Means over the iterations of each epoch. */
class EpochLog {
  readonly epochs: EpochMeans[] = [];
  readonly #perEpoch: number;
  #iterations = 0;
  #loss = 0;
  #evaluations = 0;

  constructor(perEpoch: number) {
    this.#perEpoch = perEpoch;
  }

  add(loss: number, evaluations: number): void {
    this.#loss += loss;
    this.#evaluations += evaluations;
    this.#iterations++;
    if (this.#iterations % this.#perEpoch !== 0) return;
    this.epochs.push({
      epoch: this.#iterations / this.#perEpoch,
      loss: this.#loss / this.#perEpoch,
      evaluations: this.#evaluations / this.#perEpoch,
    });
    this.#loss = 0;
    this.#evaluations = 0;
  }
}

function batchOf({ dimension, points, targets }: Examples, chosen: readonly number[]) {
  const coordinates = chosen.flatMap((i) => [
    ...points.subarray(i * dimension, (i + 1) * dimension),
  ]);
  return {
    points: tensor(coordinates, [chosen.length, dimension]),
    targets: tensor(chosen.map((i) => targets[i]!)),
  };
}

async function lossOn(
  lossOf: (params: FlowParams, batch: Batch) => Tensor,
  params: FlowParams,
  examples: Examples,
): Promise<number> {
  const batch = batchOf(examples, [...examples.targets.keys()]);
  const loss = await jit(lossOf)(params, batch);
  const value = Number(await loss.item());
  disposeTree([batch, loss]);
  return value;
}

async function pathsOf(
  model: ReturnType<typeof flowModel>,
  params: FlowParams,
  examples: Examples,
): Promise<PointPath[]> {
  const chosen = random(0).permutation(examples.count).slice(0, drawn);
  const batch = batchOf(examples, chosen);
  const states = await model.paths(params, batch.points, pathTimes);
  const values = await states.data();
  disposeTree([batch, states]);
  return chosen.map((example, row) => ({
    target: examples.targets[example]!,
    states: pathTimes.map((_, i) => {
      const at = (i * drawn + row) * model.width;
      return Array.from(values.slice(at, at + model.width), Number);
    }),
  }));
}
