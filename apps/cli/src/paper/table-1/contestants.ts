/** The networks of table 1, what the paper has for them, and those that show the worth of the ODE block. */
import type { MnistOptions, PaperOptions } from '../../options.ts';
import { usualMnist } from '../kept-run.ts';

/** A row of the paper's table. */
export interface PaperRow {
  /** Test error, in percent. */
  readonly error: number;
  /** Parameters, in millions. */
  readonly parameters: number;
  readonly memory: string;
}

export interface Contestant {
  /** Of its folders. */
  readonly id: string;
  readonly title: string;
  readonly options: Pick<MnistOptions, 'model' | 'gradient' | 'blocks' | 'channels' | 'crop'>;
  readonly paper?: PaperRow;
}

/** Of the published example. */
export const usualChannels = 64;

/** Few channels, at which a block has more to do. */
const fewChannels = [8, 16] as const;

type Settings = Pick<PaperOptions, 'channels' | 'crop'>;

export function contestantsOf({ channels = usualChannels, crop }: Settings): readonly Contestant[] {
  const same = { gradient: 'backsolve', blocks: 6, channels, crop } as const;
  return [
    {
      id: 'mlp',
      title: '1-layer MLP',
      // it cannot know a digit in another place again, and the paper's figure is of digits left where they are;
      // it has no channels, and one training does for tables of any
      options: { ...same, model: 'mlp', channels: usualChannels, crop: 0 },
      paper: { error: 1.6, parameters: 0.24, memory: '–' },
    },
    {
      id: `resnet-${channels}`,
      title: 'ResNet',
      options: { ...same, model: 'resnet' },
      paper: { error: 0.41, parameters: 0.6, memory: 'O(L)' },
    },
    {
      id: `rknet-${channels}`,
      title: 'RK-Net',
      options: { ...same, model: 'rknet', gradient: 'direct' },
      paper: { error: 0.47, parameters: 0.22, memory: 'O(L̃)' },
    },
    odenetOf(channels, crop),
  ];
}

function odenetOf(channels: number, crop: number): Contestant {
  return {
    id: `odenet-${channels}`,
    title: 'ODE-Net',
    options: { model: 'odenet', gradient: 'backsolve', blocks: 6, channels, crop },
    paper: { error: 0.42, parameters: 0.22, memory: 'O(1)' },
  };
}

/** With the block and without, at few channels and at as many as the table's. */
export interface WorthPair {
  readonly channels: number;
  readonly without: Contestant;
  readonly with: Contestant;
}

export function worthPairs({ channels = usualChannels, crop }: Settings): readonly WorthPair[] {
  const widths = [...new Set([...fewChannels, channels])].sort((a, b) => a - b);
  return widths.map((width) => ({
    channels: width,
    without: {
      id: `noblock-${width}`,
      title: 'no block',
      options: { model: 'resnet', gradient: 'backsolve', blocks: 0, channels: width, crop },
    },
    with: odenetOf(width, crop),
  }));
}

type TrainingSettings = Pick<PaperOptions, 'backend' | 'optimiser' | 'learningRate'> & {
  readonly epochs: number;
};

/** The options of a contestant's training. */
export function trainingOptions(
  { options }: Contestant,
  { backend, optimiser, learningRate, epochs }: TrainingSettings,
  data: string,
  seed: number,
): MnistOptions {
  const descent = { optimiser, ...(learningRate !== undefined && { learningRate }) };
  return { ...usualMnist, ...options, ...descent, backend, epochs, data, seed };
}
