/**
 * The two halves of a split graph in a compiled program: the forward half leaves its residuals in a frame of a tape,
 * the backward half finds them there. What follows from constants alone is no residual: the backward half computes it
 * again, which a program does once.
 */
import type { Block, Graph, Lowering, Num, PreparedGraph, Spec, Value } from '@neuralode/tensor';
import type { SplitGraph } from './split.ts';

export class LoweredSplit {
  /** What a frame holds of this graph. */
  readonly layout: readonly Spec[];
  readonly #code: Lowering;
  readonly #stored: readonly boolean[];
  readonly #constants: readonly Block[];
  readonly #graph: Graph;
  #backward: PreparedGraph | undefined;

  /** @param constants blocks that will be given for these inputs of the graph in every run; undefined for others */
  constructor(code: Lowering, split: SplitGraph, constants: readonly (Block | undefined)[]) {
    this.#code = code;
    const { inputs, nodes, outputs } = split.forward;
    const residuals = outputs.slice(outputs.length - split.residuals);
    const given = inputs.filter((_, i) => constants[i] !== undefined);
    const fixed = new Set<Value>(given);
    const again = nodes.filter((node) => {
      const follows = node.inputs.every((value) => fixed.has(value));
      if (follows) for (const value of node.outputs) fixed.add(value);
      return follows;
    });
    this.#stored = residuals.map((value) => !fixed.has(value));
    this.#constants = constants.filter((block) => block !== undefined);
    this.layout = residuals.filter((value) => !fixed.has(value));
    const { backward } = split;
    this.#graph = {
      inputs: [...given, ...(this.layout as Value[]), ...backward.inputs.slice(split.residuals)],
      nodes: [...again, ...backward.nodes],
      outputs: backward.outputs,
    };
  }

  /** Where the forward half's residuals go, given a frame's blocks; undefined for those that are none. */
  residuals(frame: readonly Block[]): (Block | undefined)[] {
    let next = 0;
    return this.#stored.map((stored) => (stored ? frame[next++] : undefined));
  }

  /** Makes the backward half ready, at this place of the program. */
  prepareBackward(): void {
    this.#backward = this.#code.prepare(this.#graph, this.#constants);
  }

  runBackward(
    frame: readonly Block[],
    cotangents: readonly (Block | Num)[],
    outputs: readonly (Block | undefined)[],
  ): void {
    this.#backward?.run([...this.#constants, ...frame, ...cotangents], outputs);
  }
}
