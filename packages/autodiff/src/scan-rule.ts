/**
 * Derivatives of `scan`. Forward mode is a scan on the doubled carry. Reverse mode is a scan that keeps each
 * iteration's residuals on a tape (`scanTaped`), and a loop back over the tape (`scanBack`).
 */
import {
  apply,
  type Backend,
  type Block,
  type DerivativeRule,
  type Graph,
  isDifferentiable,
  type Modes,
  primitives as p,
  type Primitive,
  type Run,
  record,
  releaseAll,
  runGraph,
  runKernel,
  runScanBody,
  type ScanAttrs,
  type Slot,
  type Spec,
  scanOrder,
  scanPrimitive,
  sliceOf,
  stackOf,
  type Tape,
  type Tensor,
  zerosLike,
  zerosOf,
} from '@neuralode/tensor';
import { clean } from './clean.ts';
import { lowerScanBack, lowerTapedScan } from './lower-scan-rule.ts';
import {
  inferPullback,
  runTaped,
  type PullbackAttrs,
  pullbackRule,
  spread,
  tapedRule,
} from './pullback-rule.ts';
import { type SplitGraph, split } from './split.ts';

const present = <T>(items: readonly (T | null)[]): T[] => items.filter((item) => item !== null);

/** The body with the tangents of its carries, and of those xs and constants that have one, travelling along. */
function doubledBody(
  { body, carries, xs }: ScanAttrs,
  moving: readonly boolean[],
  modes: Modes,
): Graph {
  const doubled = (spec: Spec, i: number): boolean => moving[i] && isDifferentiable(spec);
  const group = (from: number, to: number) => {
    const specs = body.inputs.slice(from, to);
    return [...specs, ...specs.filter((spec, i) => doubled(spec, from + i))];
  };
  const bounds: [number, number][] = [
    [0, carries],
    [carries, carries + xs],
    [carries + xs, body.inputs.length],
  ];
  const recording = record(
    bounds.flatMap(([from, to]) => group(from, to)),
    (...stand) => {
      const inputs: Tensor[] = [];
      const tangents: (Tensor | null)[] = [];
      for (const [from, to] of bounds) {
        inputs.push(...stand.splice(0, to - from));
        const mask = body.inputs.slice(from, to).map((spec, i) => doubled(spec, from + i));
        tangents.push(...spread(mask, stand.splice(0, mask.filter(Boolean).length)));
      }
      const result = modes.pushForward(body, inputs, tangents);
      const outputTangents = result.outputs.map((output, i) =>
        isDifferentiable(output) ? (result.tangents[i] ?? zerosLike(output)) : null,
      );
      return [
        ...result.outputs.slice(0, carries),
        ...present(outputTangents.slice(0, carries)),
        ...result.outputs.slice(carries),
        ...present(outputTangents.slice(carries)),
      ];
    },
  );
  return clean(recording.graph);
}

function scanJvp(
  inputs: readonly Tensor[],
  given: readonly (Tensor | null)[],
  attrs: ScanAttrs,
  modes: Modes,
): { outputs: Tensor[]; tangents: (Tensor | null)[] } {
  const { carries, xs, body } = attrs;
  // A carry may start with a zero tangent and acquire one on the way: all of them move.
  const tangents = given.map((tangent, i) =>
    i < carries && isDifferentiable(inputs[i]) ? (tangent ?? zerosLike(inputs[i])) : tangent,
  );
  const moving = tangents.map((tangent) => tangent !== null);
  const groups = [0, carries, carries + xs, inputs.length];
  const operands = groups.slice(1).flatMap((to, i) => {
    const from = groups[i];
    return [...inputs.slice(from, to), ...present(tangents.slice(from, to))];
  });
  const movingCarries = moving.slice(0, carries).filter(Boolean).length;
  const movingXs = moving.slice(carries, carries + xs).filter(Boolean).length;
  const results = apply(scanPrimitive, operands, {
    ...attrs,
    body: doubledBody(attrs, moving, modes),
    carries: carries + movingCarries,
    xs: xs + movingXs,
  } satisfies ScanAttrs);
  const outputs: Tensor[] = [];
  const outputTangents: (Tensor | null)[] = [];
  for (const specs of [body.outputs.slice(0, carries), body.outputs.slice(carries)]) {
    outputs.push(...results.splice(0, specs.length));
    const mask = specs.map(isDifferentiable);
    outputTangents.push(...spread(mask, results.splice(0, mask.filter(Boolean).length)));
  }
  return { outputs, tangents: outputTangents };
}

export interface TapedAttrs extends ScanAttrs {
  readonly halves: SplitGraph;
}

interface Iteration {
  readonly residuals: readonly Slot[];
}

/** `scan` with one more output: the tape of the residuals. */
const scanTaped: Primitive<TapedAttrs> = {
  name: 'scanTaped',
  infer: (inputs, attrs) => [...scanPrimitive.infer(inputs, attrs), { shape: [], dtype: 'opaque' }],
  run: (inputs, attrs, backend) =>
    runTaped<Iteration>((tape) =>
      runScanBody(inputs, attrs, backend, attrs.halves.forward, (residuals) => {
        tape.own(residuals);
        tape.entries.push({ residuals });
      }),
    ),
  lower: lowerTapedScan,
  get derivative() {
    return tapedScanRule;
  },
};

export interface BackAttrs extends PullbackAttrs<ScanAttrs> {
  readonly split: SplitGraph;
  /** Which inputs of the body the backward graph gives a cotangent for. */
  readonly bodyNeeds: readonly boolean[];
}

const scanBack: Primitive<BackAttrs> = {
  name: 'scanBack',
  infer: inferPullback,
  run: runBack,
  lower: (code, inputs, outputs, attrs) =>
    lowerScanBack(code, inputs, outputs as readonly Block[], attrs),
  get derivative() {
    return backRule;
  },
};
const backRule = pullbackRule<ScanAttrs, BackAttrs>(() => scanBack, scanJvp);

/** A running sum of cotangents that takes over its terms. */
function accumulate(backend: Backend, total: Slot | undefined, term: Slot, spec: Spec): Slot {
  if (total === undefined) return term;
  const sum = runKernel(backend, p.add, [
    { slot: total, spec },
    { slot: term, spec },
  ]);
  total.release();
  term.release();
  return sum;
}

function* runBack(inputs: readonly Slot[], attrs: BackAttrs, backend: Backend): Run<Slot[]> {
  const { loop, needs, given, bodyNeeds } = attrs;
  const { body, carries, xs, length } = loop;
  const tape = inputs[0] as Tape<Iteration>;
  const cotangents = spread(given, inputs.slice(1 + needs.length));
  const specs = body.inputs;
  const moving = specs.map((_, i) => i).filter((i) => i < carries && bodyNeeds[i]);
  let carry: Slot[] = moving.map((i) => cotangents[i]?.retain() ?? zerosOf(backend, specs[i]));
  const stacks = new Map<number, Slot[]>();
  const totals = new Map<number, Slot>();
  try {
    const order = scanOrder(loop);
    for (let visit = length - 1; visit >= 0; visit--) {
      const index = order[visit];
      const ys = cotangents.slice(carries).flatMap((slot, i) => {
        if (slot === null) return [];
        const { shape, dtype } = body.outputs[carries + i];
        return [sliceOf(backend, slot, { shape: [length, ...shape], dtype }, index)];
      });
      const operands = [...tape.entries[visit].residuals, ...carry, ...ys];
      let results: Slot[];
      try {
        results = yield* runGraph(attrs.split.backward, operands, backend);
      } finally {
        releaseAll(ys);
      }
      releaseAll(carry);
      carry = results.splice(0, moving.length);
      for (let i = carries; i < specs.length; i++) {
        if (!bodyNeeds[i]) continue;
        const result = results.shift() as Slot;
        if (i >= carries + xs) {
          totals.set(i, accumulate(backend, totals.get(i), result, specs[i]));
        } else {
          if (!stacks.has(i)) stacks.set(i, new Array<Slot>(length));
          (stacks.get(i) as Slot[])[index] = result;
        }
      }
    }
    return needs.flatMap((need, i) => {
      if (!need) return [];
      if (i < carries) return [carry[moving.indexOf(i)].retain()];
      if (i < carries + xs) return [stackOf(backend, stacks.get(i) ?? [], specs[i])];
      return [totals.get(i)?.retain() ?? zerosOf(backend, specs[i])];
    });
  } finally {
    releaseAll(carry);
    releaseAll(totals.values());
    for (const list of stacks.values()) releaseAll(list.filter((slot) => slot !== undefined));
  }
}

/** Reverse mode of a scan. The primal runs once, taped; the backward pass only where a cotangent arrives. */
function scanVjp(
  inputs: readonly Tensor[],
  attrs: ScanAttrs,
  needs: readonly boolean[],
  modes: Modes,
) {
  const { body, carries } = attrs;
  // A carry's cotangent is needed wherever anything before it is; only the requested ones are given out.
  const bodyNeeds = body.inputs.map((spec, i) => (i < carries ? isDifferentiable(spec) : needs[i]));
  // The tape must serve whatever cotangents arrive: all of them count as given.
  const given = body.outputs.map(isDifferentiable);
  const halves = split(body, bodyNeeds, given, modes);
  const results = apply(scanTaped, inputs, {
    ...attrs,
    halves,
  } satisfies TapedAttrs);
  const tape = results.pop() as Tensor;
  return {
    outputs: results,
    pullback(cotangents: readonly (Tensor | null)[]): (Tensor | null)[] {
      const filled = results.flatMap((output, i) =>
        given[i] ? [cotangents[i] ?? zerosLike(output)] : [],
      );
      const backAttrs: BackAttrs = { loop: attrs, needs, given, split: halves, bodyNeeds };
      return spread(needs, apply(scanBack, [tape, ...inputs, ...filled], backAttrs));
    },
  };
}

export const scanRule: DerivativeRule<ScanAttrs> = { jvp: scanJvp, vjp: scanVjp };
const tapedScanRule = tapedRule<ScanAttrs, TapedAttrs>(() => scanTaped, scanRule);
