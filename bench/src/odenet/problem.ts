/** The paper's picture network as one fixed problem that every system trains: see bench/peers/odenet_common.py. */
import { reference } from '@neuralode/backend-reference';
import { odenet } from '@neuralode/odenet';
import {
  flatten,
  leavesWithPaths,
  random,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';

export const channels = 64;
export const classes = 10;
/** Pixels of a side: of the pictures, of what the first convolution and the first halving leave, and of the block's state. */
export const side = 28;
export const fullSide = 26;
export const halfSide = 13;
export const stateSide = 6;

/** What is handed to the peers as JSON, and used here. */
export interface OdenetProblem {
  /** Path in the tree of parameters to the numbers there; convolutions are [kernel][kernel][inputs][outputs]. */
  readonly params: Readonly<Record<string, unknown>>;
  /** [batch][28][28][1]. */
  readonly pictures: unknown;
  /** [batch]. */
  readonly labels: readonly number[];
  readonly tolerance: number;
  readonly learningRate: number;
  readonly momentum: number;
  /** One batch for all iterations. */
  readonly batches: readonly number[];
  readonly warmup: number;
  readonly iterations: number;
}

/** Makes the problem on the reference backend in float64, whatever is measured afterwards. */
export async function odenetProblem(settings: {
  readonly seed: number;
  readonly batch: number;
  readonly warmup: number;
  readonly iterations: number;
}): Promise<OdenetProblem> {
  const { seed, batch, warmup, iterations } = settings;
  await setBackend(reference());
  const rng = random(seed);
  const leaves = leavesWithPaths(odenet({ channels, classes }).init(rng));
  return {
    params: Object.fromEntries(leaves.map(({ path, tensor: leaf }) => [path, leaf.arraySync()])),
    pictures: rng.uniform([batch, side, side, 1], 0, 1).arraySync(),
    labels: Array.from({ length: batch }, () => rng.integer(0, classes - 1)),
    tolerance: 1e-3,
    learningRate: 0.01,
    momentum: 0.9,
    batches: [0],
    warmup,
    iterations,
  };
}

/** The problem's parameters as float32 tensors of the backend that is set, in the structure of `like`. */
export function paramsOf<P>(like: P, problem: OdenetProblem): P {
  const values = leavesWithPaths(like).map(({ path }) =>
    tensor(problem.params[path] as number[], { dtype: 'float32' }),
  );
  return flatten(like).rebuild(values as Tensor[]);
}
