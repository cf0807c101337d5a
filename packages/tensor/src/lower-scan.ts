/** A scan as code for a compiling backend: scan.ts, whose loop it is. */
import type { Graph } from './graph.ts';
import type { Block, Lowering, Num, PreparedGraph } from './lowering.ts';
import type { ScanAttrs } from './scan.ts';

/** Runs `body` for each iteration, with the index of the slice that it visits. */
export function lowerVisits(
  code: Lowering,
  { length, reverse }: Pick<ScanAttrs, 'length' | 'reverse'>,
  body: (index: Num) => void,
): void {
  const n = code.numbers;
  const visit = code.variable(0);
  code.loop(
    () => n.less(visit.get(), length),
    () => {
      body(reverse ? n.sub(length - 1, visit.get()) : visit.get());
      visit.set(n.add(visit.get(), 1));
    },
  );
}

/** What happens around a run of the body; `residuals` take the outputs that it has beyond the scan's own. */
export interface LoweredVisit {
  readonly residuals: readonly (Block | undefined)[];
  keep(): void;
}

/**
 * The loop itself, shared with the taped scan of `autodiff`, whose `body` has further outputs: `begin` says where
 * those of one iteration go.
 */
export function lowerScan(
  code: Lowering,
  inputs: readonly Block[],
  outputs: readonly Block[],
  attrs: ScanAttrs,
  body: Graph = attrs.body,
  begin: () => LoweredVisit = () => ({ residuals: [], keep: () => {} }),
): void {
  const { carries, xs } = attrs;
  const constants = inputs.slice(carries + xs);
  const given = new Array<undefined>(carries + xs).fill(undefined);
  const prepared: PreparedGraph = code.prepare(body, [...given, ...constants]);
  const carry = outputs.slice(0, carries);
  const next = carry.map((spec) => code.block(spec));
  carry.forEach((block, i) => {
    code.copy(inputs[i], block);
  });
  lowerVisits(code, attrs, (index) => {
    const visit = begin();
    const slices = inputs.slice(carries, carries + xs).map((stack) => code.row(stack, index));
    const ys = outputs.slice(carries).map((stack) => code.row(stack, index));
    prepared.run([...carry, ...slices, ...constants], [...next, ...ys, ...visit.residuals]);
    next.forEach((block, i) => {
      code.copy(block, carry[i]);
    });
    visit.keep();
  });
}
