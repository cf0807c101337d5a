/** What a training step of a network costs: bytes at its peak, evaluations of the field, time. */
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { type Classifier, crossEntropy } from '@neuralode/odenet';
import type { SolveStats } from '@neuralode/solvers';
import { disposeTree, getBackend, random, type Tensor, tensor } from '@neuralode/tensor';
import { useBackend } from '../../backend.ts';
import type { BackendName } from '../../options.ts';

export interface StepMemory {
  /** Above what parameters and digits take. */
  readonly peakBytes: number;
  readonly evaluations: { readonly forward: number; readonly backward: number };
}

/** Digits, or what looks like them. */
export interface StepBatch {
  readonly pictures: Tensor;
  readonly labels: Tensor;
}

export interface StepNetwork {
  /** Makes the network, which is to tell its solves. */
  readonly network: (onSolve: (stats: SolveStats) => void) => Classifier<unknown>;
  readonly backend: BackendName;
  /** Both are called once the backend of the measurement is there. */
  readonly params: (network: Classifier<unknown>) => unknown;
  readonly batch: (network: Classifier<unknown>) => StepBatch;
}

/** Of loss and gradient, on a backend of its own. */
export async function stepMemory(asked: StepNetwork): Promise<StepMemory> {
  const { run, dispose, evaluations } = await preparedStep(asked);
  const backend = getBackend();
  const before = backend.memory().liveBytes;
  backend.resetPeak();
  await run();
  const peakBytes = backend.memory().peakBytes - before;
  dispose();
  return { peakBytes, evaluations };
}

/** Seconds of the processor for loss and gradient, once compiled: the least of three. */
export async function stepSeconds(asked: StepNetwork): Promise<number> {
  const { run, dispose } = await preparedStep(asked);
  await run();
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 3; turn++) {
    const begun = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(begun);
    least = Math.min(least, (user + system) / 1e6);
  }
  dispose();
  return least;
}

async function preparedStep(asked: StepNetwork) {
  await useBackend(asked.backend);
  const evaluations = { forward: 0, backward: 0 };
  const network = asked.network(({ nfe, pass }) => {
    evaluations[pass] += nfe;
  });
  const params = asked.params(network);
  const batch = asked.batch(network);
  const step = jit(
    valueAndGrad((p: unknown, { pictures, labels }: StepBatch) =>
      crossEntropy(network.apply(p, pictures), labels),
    ),
  );
  return {
    evaluations,
    run: async () => disposeTree(await step(params, batch)),
    dispose: () => disposeTree([params, batch]),
  };
}

/** Fresh parameters, and noise for pictures. */
export function madeUp(count: number, seed: number): Pick<StepNetwork, 'params' | 'batch'> {
  const rng = random(seed);
  return {
    params: (network) => network.init(rng),
    batch: ({ picture, classes }) => ({
      pictures: rng.uniform([count, ...picture]),
      labels: tensor(
        Int32Array.from({ length: count }, (_, i) => i % classes),
        [count],
        { dtype: 'int32' },
      ),
    }),
  };
}
