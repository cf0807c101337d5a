/** Says in words what became of compiled graphs. */
import type { Fusion } from './compile/compile.ts';

export interface Explained {
  readonly fusion: Fusion;
  readonly milliseconds: number;
}

function explainOne({ fusion, milliseconds }: Explained, index: number): string {
  const lines = [`graph ${index + 1}: compiled in ${milliseconds.toFixed(1)} ms`];
  for (const { nodes, loops, kernels, codeBytes, program } of fusion.programs) {
    const taken = loops.length === 0 ? '' : `, with ${loops.join(', ')}`;
    const memory = `${Math.ceil(program.heldBytes / 1024)} KiB of memory`;
    const code = `${Math.ceil(codeBytes / 1024)} KiB of code`;
    lines.push(`  one program of ${nodes} nodes${taken}: ${kernels} kernels, ${code}, ${memory}`);
  }
  for (const { primitive, reason } of fusion.left) {
    lines.push(`  kernel by kernel: ${primitive}, since ${reason}`);
  }
  return lines.join('\n');
}

/** @param threads that there are, and that were asked for */
export function explain(all: readonly Explained[], threads: number, wanted: number): string {
  const graphs =
    all.length === 0
      ? ['nothing was compiled yet: wrap what runs again and again in jit(…)']
      : all.map(explainOne);
  if (wanted === 1) return graphs.join('\n');
  const crew =
    threads === wanted
      ? `${threads} threads share large kernels`
      : `one thread, not ${wanted}: memory cannot be shared here; a page needs cross-origin isolation ` +
        '(the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)';
  return [crew, ...graphs].join('\n');
}
