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

export function explain(all: readonly Explained[]): string {
  if (all.length === 0) return 'nothing was compiled yet: wrap what runs again and again in jit(…)';
  return all.map(explainOne).join('\n');
}
