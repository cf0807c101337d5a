/** The networks of `mnist` by the names that are typed. */
import { type Classifier, mlp, odenet, type OdeClassifier, resnet, rknet } from '@neuralode/odenet';
import type { SolveStats } from '@neuralode/solvers';
import type { MnistOptions } from '../options.ts';
import { solveOptions } from '../solve-options.ts';

/** Parameters of any of them: to the command, a tree of tensors. */
export type MnistParams = unknown;
export type MnistNetwork = Classifier<MnistParams> &
  Partial<Pick<OdeClassifier<MnistParams>, 'depth'>>;

/** The three convolutional ones differ in this one line each. */
export function mnistModel(
  options: MnistOptions,
  onSolve: (stats: SolveStats) => void,
): MnistNetwork {
  const { channels, blocks } = options;
  // steps of a fixed-step method are parts of the span
  const block = { ...solveOptions(options, 1 / 4), onSolve };
  const networks = {
    mlp: () => mlp(),
    resnet: () => resnet({ channels, blocks }),
    rknet: () => rknet({ channels, block }),
    odenet: () => odenet({ channels, block }),
  };
  return networks[options.model]() as unknown as MnistNetwork;
}

/** Whether a network has a block of continuous depth. */
export function isContinuous({ model }: MnistOptions): boolean {
  return model === 'odenet' || model === 'rknet';
}
