/**
 * What the adjoint is for: peak bytes of a training step against depth. Of a residual network by its blocks, of RK-Net
 * (differentiated through its steps) and ODE-Net (by the adjoint) by their tolerance.
 */
import { odenet, type OdenetOptions, resnet, rknet } from '@neuralode/odenet';
import type { SolveStats } from '@neuralode/solvers';
import type { BackendName, PaperOptions } from '../../options.ts';
import type { Terminal } from '../../terminal.ts';
import type { ResultPage } from '../page.ts';
import { memoryPage } from './memory-page.ts';
import { madeUp, type StepMemory, type StepNetwork, stepMemory } from './step-memory.ts';

export const blockCounts = [6, 20, 100] as const;
export const tolerances = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6] as const;

/** How large the networks and their batches are, and what computes. */
export interface Scale {
  readonly backend: BackendName;
  readonly channels: number;
  readonly batch: number;
}

/** A network's depth is its blocks or its tolerance. */
export interface MemoryRow extends StepMemory {
  readonly model: 'ResNet' | 'RK-Net' | 'ODE-Net';
  readonly depth: number;
}

export interface MemoryFigure {
  readonly seed: number;
  readonly scales: readonly (Scale & { readonly rows: readonly MemoryRow[] })[];
}

type Make = StepNetwork['network'];

/** The networks to measure, at some number of channels. */
export function networksOf(
  channels: number,
): readonly (Pick<MemoryRow, 'model' | 'depth'> & { readonly network: Make })[] {
  const continuous = (model: 'RK-Net' | 'ODE-Net') =>
    tolerances.map((depth) => ({
      model,
      depth,
      network: (onSolve: (stats: SolveStats) => void) => {
        const options: OdenetOptions = { channels, block: { rtol: depth, atol: depth, onSolve } };
        return (model === 'RK-Net' ? rknet(options) : odenet(options)) as ReturnType<Make>;
      },
    }));
  return [
    ...blockCounts.map((blocks) => ({
      model: 'ResNet' as const,
      depth: blocks,
      network: () => resnet({ channels, blocks }) as ReturnType<Make>,
    })),
    ...continuous('RK-Net'),
    ...continuous('ODE-Net'),
  ];
}

/** As in the paper's example, and small enough for the backend whose buffers are counted one by one. */
export async function memory(options: PaperOptions, { stderr }: Terminal): Promise<ResultPage> {
  const { seed, backend, channels = 64 } = options;
  const scales: MemoryFigure['scales'][number][] = [];
  for (const scale of [
    { backend, channels, batch: 128 },
    { backend: 'reference', channels: 8, batch: 4 },
  ] as const) {
    const rows: MemoryRow[] = [];
    for (const { model, depth, network } of networksOf(scale.channels)) {
      stderr.write(`${scale.backend}, ${model} ${depth} … `);
      const measured = await stepMemory({
        backend: scale.backend,
        network,
        ...madeUp(scale.batch, seed),
      });
      stderr.write(`${(measured.peakBytes / 1e6).toFixed(1)} MB\n`);
      rows.push({ model, depth, ...measured });
    }
    scales.push({ ...scale, rows });
  }
  return memoryPage({ seed, scales });
}
