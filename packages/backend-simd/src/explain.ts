/** Says in words what became of compiled graphs. */
import type { Fusion } from './compile/compile.ts';

export interface Explained {
  readonly fusion: Fusion;
  readonly milliseconds: number;
}

function explainOne({ fusion, milliseconds }: Explained, index: number): string {
  const lines = [`graph ${index + 1}: compiled in ${milliseconds.toFixed(1)} ms`];
  for (const { nodes, loops, figures } of fusion.programs) {
    const taken = loops.length === 0 ? '' : `, with ${loops.join(', ')}`;
    const kernels = `${figures.kernels} kernels, ${kibibytes(figures.codeBytes)} of code`;
    const memory = `works in ${kibibytes(figures.workBytes)}`;
    lines.push(`  one program of ${nodes} nodes${taken}: ${kernels}, ${memory}`);
  }
  for (const { primitive, reason } of fusion.left) {
    lines.push(`  kernel by kernel: ${primitive}, since ${reason}`);
  }
  return lines.join('\n');
}

function kibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}

/** What there is for programs. */
export interface Resources {
  /** Threads that there are, and that were asked for. */
  readonly threads: number;
  readonly wanted: number;
  /** Bytes of memory that programs work in by turns. */
  readonly scratchBytes: number;
}

export function explain(
  all: readonly Explained[],
  { threads, wanted, scratchBytes }: Resources,
): string {
  const graphs =
    all.length === 0
      ? ['nothing was compiled yet: wrap what runs again and again in jit(…)']
      : [`graphs share ${kibibytes(scratchBytes)} of memory to work in`, ...all.map(explainOne)];
  if (wanted === 1) return graphs.join('\n');
  const crew =
    threads === wanted
      ? `${threads} threads share large kernels`
      : `one thread, not ${wanted}: memory cannot be shared here; a page needs cross-origin isolation ` +
        '(the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)';
  return [crew, ...graphs].join('\n');
}
