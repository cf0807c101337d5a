/** Both passes of a scan's reverse mode as code for a compiling backend: scan-rule.ts, whose loops they are. */
import {
  type Block,
  type Lowering,
  lowerScan,
  type OpaquePlace,
  type Place,
  type ProgramTape,
  type Spec,
} from '@neuralode/tensor';
import { LoweredSplit } from './lowered-split.ts';
import { spread } from './pullback-rule.ts';
import type { BackAttrs, TapedAttrs } from './scan-rule.ts';

/** What the forward pass leaves to the backward one. */
interface LoweredTape {
  readonly tape: ProgramTape;
  readonly half: LoweredSplit;
}

/** The scan with its tape: the last of the outputs. */
export function lowerTapedScan(
  code: Lowering,
  places: readonly Place[],
  outputs: readonly Place[],
  attrs: TapedAttrs,
): void {
  const { carries, xs, halves } = attrs;
  const inputs = places as readonly Block[];
  const moving = new Array<undefined>(carries + xs).fill(undefined);
  const half = new LoweredSplit(code, halves, [...moving, ...inputs.slice(carries + xs)]);
  const tape = code.tape([{ blocks: half.layout, numbers: 0 }]);
  const begin = () => {
    const frame = tape.frame(0);
    return { residuals: half.residuals(frame.blocks), keep: () => tape.keep(frame) };
  };
  lowerScan(code, inputs, outputs.slice(0, -1) as readonly Block[], attrs, halves.forward, begin);
  (outputs.at(-1) as OpaquePlace).content = { tape, half } satisfies LoweredTape;
}

/** The walk back. */
export function lowerScanBack(
  code: Lowering,
  places: readonly Place[],
  outputs: readonly Block[],
  { loop, needs, given, bodyNeeds }: BackAttrs,
): void {
  const { body, carries, xs, length, reverse } = loop;
  const n = code.numbers;
  const { tape, half } = (places[0] as OpaquePlace).content as LoweredTape;
  const cotangents = spread(given, places.slice(1 + needs.length) as readonly Block[]);
  const specs = body.inputs;
  const zeros = (spec: Spec): Block => {
    const block = code.block(spec);
    code.zero(block);
    return block;
  };
  const wanted = specs.map((_, i) => i).filter((i) => bodyNeeds[i]);
  const carry = new Map<number, Block>();
  const terms = new Map<number, Block>();
  for (const i of wanted) {
    terms.set(i, code.block(specs[i]));
    if (i >= carries) continue;
    const block = zeros(specs[i]);
    const arrived = cotangents[i];
    if (arrived !== null) code.copy(arrived, block);
    carry.set(i, block);
  }
  // where the cotangents of xs and constants go: to the outputs that were asked for
  const asked = spread(needs, outputs);
  half.prepareBackward();
  asked.forEach((block, i) => {
    if (block !== null && i >= carries + xs) code.zero(block);
  });
  const visit = code.variable(length - 1);
  tape.walk([
    (frame) => {
      const index = reverse ? n.sub(length - 1, visit.get()) : visit.get();
      const ys = cotangents
        .slice(carries)
        .flatMap((stack) => (stack === null ? [] : [code.row(stack, index)]));
      const targets = wanted.map((i) => {
        const place = asked[i];
        const stacked = i >= carries && i < carries + xs && place !== null;
        return stacked ? code.row(place, index) : terms.get(i);
      });
      half.runBackward(frame.blocks, [...carry.values(), ...ys], targets);
      for (const [i, block] of carry) code.copy(terms.get(i) as Block, block);
      for (const i of wanted) {
        const place = asked[i];
        if (i < carries + xs || place === null) continue;
        code.combine([1, 1], [place, terms.get(i) as Block], place);
      }
      visit.set(n.sub(visit.get(), 1));
    },
  ]);
  asked.forEach((place, i) => {
    const block = carry.get(i);
    if (place !== null && block !== undefined) code.copy(block, place);
  });
}
