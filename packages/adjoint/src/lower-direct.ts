/**
 * Both passes of `direct()` as code for a compiling backend: the solve that fills a tape, and the walk back over it
 * (direct-run.ts), whose steps are the same.
 */
import {
  type LoweredEvent,
  lowerOdeSolve,
  type SolveEvent,
  solveInputs,
  stepGraphs,
} from '@neuralode/solvers';
import type { Block, Lowering, OpaquePlace, Place } from '@neuralode/tensor';
import type { BackAttrs, TapedAttrs } from './direct-tape.ts';
import { kinds, type LoweredTape, lowerHalves, numbers } from './lowered-tape.ts';
import { LoweredWalk } from './lowered-walk.ts';
import { forwardHalves } from './split-solve.ts';

/** The solve with its tape: the last of the outputs. */
export function lowerTaped(
  code: Lowering,
  inputs: readonly Block[],
  places: readonly Place[],
  attrs: TapedAttrs,
): void {
  const outputs = places.slice(0, -1) as readonly Block[];
  const halves = lowerHalves(code, attrs, attrs.halves, solveInputs(inputs, attrs).args);
  const layouts = kinds.map((kind) => ({
    blocks: halves[kind]?.layout ?? [],
    numbers: numbers[kind],
  }));
  const tape = code.tape(layouts);
  const begin = (kind: SolveEvent['kind']): LoweredEvent => {
    const frame = tape.frame(kinds.indexOf(kind));
    return {
      residuals: halves[kind]?.residuals(frame.blocks) ?? [],
      keep(...values) {
        values.forEach((value, i) => {
          frame.setNumber(i, value);
        });
        tape.keep(frame);
      },
    };
  };
  const graphs = forwardHalves(attrs.halves, stepGraphs(attrs));
  lowerOdeSolve(code, inputs, outputs, attrs, graphs, { begin });
  (places.at(-1) as OpaquePlace).content = { tape, halves } satisfies LoweredTape;
}

/** The walk back. */
export function lowerBackward(
  code: Lowering,
  inputs: readonly Place[],
  outputs: readonly Block[],
  attrs: BackAttrs,
): void {
  new LoweredWalk(code, inputs, attrs).write(outputs);
}
