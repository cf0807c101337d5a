/** The flow of `cnf`. */
import {
  type Cnf,
  cnf,
  exact,
  type FlowField,
  gaussianBase,
  hutchinson,
  layerStack,
  planarField,
} from '@neuralode/cnf';
import type { SolveStats } from '@neuralode/solvers';
import type { CnfOptions } from '../options.ts';
import { solveOptions } from '../solve-options.ts';

/** Parameters of either field: to the command, a tree of tensors. */
export type CnfParams = unknown;

export function cnfModel(
  options: CnfOptions,
  onSolve: (stats: SolveStats) => void,
): Cnf<CnfParams> {
  const { width } = options;
  const field =
    options.field === 'planar'
      ? planarField({ dimension: 2, width })
      : layerStack({ dimension: 2, hidden: [width, width] });
  const trace = options.trace === 'hutchinson' ? hutchinson() : undefined;
  return cnf({
    field: field as FlowField<CnfParams>,
    base: gaussianBase(2),
    ...(trace && { trace }),
    // steps of a fixed-step method are parts of the span
    ...solveOptions(options, 1 / 10),
    onSolve,
  });
}

/** What figures and pictures are computed with: the trace itself, however the flow was trained. */
export function evaluationTrace({ trace }: CnfOptions) {
  return trace === 'hutchinson' ? { trace: exact() } : {};
}
