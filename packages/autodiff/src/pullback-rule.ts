/**
 * The derivative of a loop's backward pass, to any order, from the loop's forward mode alone.
 *
 * Let F be a loop and B(x, g) = gᵀ J(x) its backward pass, a primitive of its own. For a direction u of x,
 * B(x, g)·u = g · T(x, u) where T(x, u) = J(x) u is F's forward mode: a loop of the same kind, on a doubled body. So
 * - the cotangent of g, given u, is T(x, u) itself;
 * - the cotangent of x, given u, is the backward pass of x ↦ T(x, u) on g;
 * - and the tangent of B along (ẋ, ġ) is B(x, ġ) plus the backward pass of x ↦ T(x, ẋ) on g, second derivatives being
 *   symmetric.
 * Every term is a loop or the backward pass of one, so the rule nests.
 */
import {
  apply,
  type DerivativeRule,
  type Modes,
  type Primitive,
  record,
  type Tensor,
  zerosLike,
  type Run,
  type Slot,
  type Spec,
  Tape,
} from '@neuralode/tensor';
import { sumOf } from './rule.ts';

/** What the attributes of a backward pass must say. Its inputs: the tape, F's inputs, the cotangents given. */
export interface PullbackAttrs<LoopAttrs> {
  readonly loop: LoopAttrs;
  /** Which of F's inputs get a cotangent: the outputs, in order. */
  readonly needs: readonly boolean[];
  /** Which of F's outputs a cotangent is given for. */
  readonly given: readonly boolean[];
}

interface Parts {
  readonly tape: Tensor;
  readonly x: readonly Tensor[];
  readonly g: readonly Tensor[];
}

function partsOf(inputs: readonly Tensor[], { needs }: PullbackAttrs<unknown>): Parts {
  const [tape, ...rest] = inputs;
  return { tape, x: rest.slice(0, needs.length), g: rest.slice(needs.length) };
}

/** The shape rule of a backward pass: a cotangent like each input that has one. */
export function inferPullback(
  [, ...inputs]: readonly Spec[],
  { needs }: PullbackAttrs<unknown>,
): Spec[] {
  return needs.flatMap((need, i) =>
    need ? [{ shape: inputs[i].shape, dtype: inputs[i].dtype }] : [],
  );
}

/** Runs a loop that fills a tape, which follows its outputs; on an error the tape is freed with all it owns. */
export function* runTaped<Entry extends object>(
  loop: (tape: Tape<Entry>) => Run<Slot[]>,
): Run<Slot[]> {
  const tape = new Tape<Entry>();
  try {
    return [...(yield* loop(tape)), tape];
  } catch (error) {
    tape.release();
    throw error;
  }
}

/** Where `mask` is true, the next of `items`; null elsewhere. */
export function spread<T>(mask: readonly boolean[], items: readonly T[]): (T | null)[] {
  let next = 0;
  return mask.map((has) => (has ? items[next++] : null));
}

/** The rule of the backward pass `primitive` of the loop whose forward mode is `jvp`. */
export function pullbackRule<LoopAttrs, Attrs extends PullbackAttrs<LoopAttrs>>(
  primitive: () => Primitive<Attrs>,
  jvp: DerivativeRule<LoopAttrs>['jvp'],
): DerivativeRule<Attrs> {
  /** T(x, u) of the outputs given, and its backward pass on g for the x that `wanted` names. */
  const forwardMode = (
    parts: Parts,
    u: readonly (Tensor | null)[],
    attrs: Attrs,
    wanted: readonly boolean[],
    modes: Modes,
  ) => {
    const recording = record(parts.x, (...x) => {
      const { outputs, tangents } = jvp(x, u, attrs.loop, modes);
      return outputs.flatMap((output, i) =>
        attrs.given[i] ? [tangents[i] ?? zerosLike(output)] : [],
      );
    });
    const inputs = [...parts.x, ...recording.captures];
    const wants = inputs.map((_, i) => i < parts.x.length && wanted[i]);
    const { outputs, pullback } = modes.pullBack(recording.graph, inputs, wants);
    return { tangents: outputs, pulled: () => pullback(parts.g).slice(0, parts.x.length) };
  };

  return {
    jvp(inputs, tangents, attrs, modes) {
      const outputs = apply(primitive(), inputs, attrs);
      const parts = partsOf(inputs, attrs);
      const direction = tangents.slice(1, 1 + parts.x.length);
      const change = tangents.slice(1 + parts.x.length);
      let fromG: readonly (Tensor | null)[] = outputs.map(() => null);
      if (change.some((each) => each !== null)) {
        const g = parts.g.map((each, i) => change[i] ?? zerosLike(each));
        fromG = apply(primitive(), [parts.tape, ...parts.x, ...g], attrs);
      }
      let fromX: readonly (Tensor | null)[] = outputs.map(() => null);
      if (direction.some((each) => each !== null)) {
        const pulled = forwardMode(parts, direction, attrs, attrs.needs, modes).pulled();
        fromX = pulled.filter((_, i) => attrs.needs[i]);
      }
      return { outputs, tangents: outputs.map((_, i) => sumOf([fromG[i], fromX[i]])) };
    },
    vjp(inputs, attrs, needs, modes) {
      const outputs = apply(primitive(), inputs, attrs);
      return {
        outputs,
        pullback(cotangents) {
          const parts = partsOf(inputs, attrs);
          // B depends on every x, not only on those whose cotangent it gives.
          const u = spread(attrs.needs, cotangents);
          const mode = forwardMode(parts, u, attrs, needs.slice(1), modes);
          return [null, ...mode.pulled(), ...mode.tangents];
        },
      };
    },
  };
}

/**
 * The rule of a loop that also gives its tape, from the rule of the loop itself. The tape is a record of the run, not
 * a function of the inputs: no derivative flows through it. Where nobody reads it any more, clean-up drops this run.
 */
export function tapedRule<LoopAttrs, Attrs extends LoopAttrs>(
  primitive: () => Primitive<Attrs>,
  rule: DerivativeRule<LoopAttrs>,
): DerivativeRule<Attrs> {
  const tapeOf = (inputs: readonly Tensor[], attrs: Attrs): Tensor =>
    apply(primitive(), inputs, attrs).at(-1) as Tensor;
  return {
    jvp(inputs, tangents, attrs, modes) {
      const result = rule.jvp(inputs, tangents, attrs, modes);
      return {
        outputs: [...result.outputs, tapeOf(inputs, attrs)],
        tangents: [...result.tangents, null],
      };
    },
    vjp(inputs, attrs, needs, modes) {
      const { outputs, pullback } = rule.vjp(inputs, attrs, needs, modes);
      return {
        outputs: [...outputs, tapeOf(inputs, attrs)],
        pullback: (cotangents) => pullback(cotangents.slice(0, -1)),
      };
    },
  };
}
