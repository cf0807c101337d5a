/**
 * The backward pass of `direct()`: the tape of a solve, walked from its end.
 */
import { reverseCost, solveInputs } from '@neuralode/solvers';
import {
  type Backend,
  type Graph,
  primitives as p,
  type Run,
  releaseAll,
  runGraph,
  runKernel,
  type Slot,
  type Spec,
  sliceOf,
  stackOf,
  type Tape,
  zerosOf,
} from '@neuralode/tensor';
import { type SplitGraph, spread } from '@neuralode/autodiff';
import type { BackAttrs, TapeEntry } from './direct-tape.ts';

/** Running sums of cotangents by key; a key that was never added to is zero. */
export class Totals {
  readonly #backend: Backend;
  readonly #slots = new Map<number, Slot>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Adds `term`, whose reference it takes over, times `weight`. */
  add(key: number, term: Slot, spec: Spec, weight = 1): void {
    const total = this.#slots.get(key);
    const operands = [{ slot: term, spec }];
    if (total !== undefined) operands.unshift({ slot: total, spec });
    if (total === undefined && weight === 1) {
      this.#slots.set(key, term);
      return;
    }
    const weights = total === undefined ? [weight] : [1, weight];
    const sum = runKernel(this.#backend, p.linearCombination, operands, { weights });
    term.release();
    total?.release();
    this.#slots.set(key, sum);
  }

  has(key: number): boolean {
    return this.#slots.has(key);
  }

  /** The sum, which the caller then owns; zeros of `spec` where there is none. The key starts afresh. */
  take(key: number, spec: Spec): Slot {
    const slot = this.#slots.get(key);
    this.#slots.delete(key);
    return slot ?? zerosOf(this.#backend, spec);
  }

  /** Adds the sum under `key` of `other`, if any, to that of `key` here; the key starts afresh there. */
  absorb(other: Totals, key: number, spec: Spec): void {
    const slot = other.#slots.get(key);
    if (slot === undefined) return;
    other.#slots.delete(key);
    this.add(key, slot, spec);
  }

  release(): void {
    releaseAll(this.#slots.values());
    this.#slots.clear();
  }
}

/** Runs an `odeSolveBack` node. */
export function* runBackward(
  inputs: readonly Slot[],
  attrs: BackAttrs,
  backend: Backend,
): Run<Slot[]> {
  const walk = new BackwardWalk(inputs, attrs, backend);
  try {
    return yield* walk.run();
  } finally {
    walk.release();
  }
}

class BackwardWalk {
  readonly #attrs: BackAttrs;
  readonly #backend: Backend;
  readonly #tape: Tape<TapeEntry>;
  /** Cotangents of the observations, a stack a leaf; null where zero. */
  readonly #observed: readonly (Slot | null)[];
  readonly #count: number;
  readonly #leaves: number;
  readonly #state: readonly Spec[];
  readonly #args: readonly Spec[];
  readonly #scalar: Spec;

  /** Cotangents of the state as it stands at this point of the walk, by leaf. */
  readonly #y: Totals;
  /** Cotangents of the stages of the step being walked, by stage · leaves + leaf. */
  readonly #stages: Totals;
  /** What interpolation adds to the cotangent of the state before its step, and of that step's h. */
  readonly #before: Totals;
  readonly #stepSize: Totals;
  readonly #gradients: Totals;
  readonly #timeGradients: Totals;
  /** Cotangents of the jumps, [leaf][interior time]. */
  readonly #jumps = new Map<number, Slot[]>();
  /** Vector-Jacobian products of the field. */
  #evaluations = 0;
  #jacobians = 0;
  #factorisations = 0;
  #steps = 0;

  constructor(inputs: readonly Slot[], attrs: BackAttrs, backend: Backend) {
    const { loop, needs, given } = attrs;
    this.#attrs = attrs;
    this.#backend = backend;
    this.#tape = inputs[0] as Tape<TapeEntry>;
    this.#observed = spread(given, inputs.slice(1 + needs.length));
    this.#leaves = loop.leaves;
    [this.#scalar] = loop.body.inputs;
    this.#state = loop.body.inputs.slice(1, 1 + loop.leaves);
    this.#args = loop.body.inputs.slice(1 + loop.leaves);
    this.#count = this.#tape.entries.filter(
      ({ event }) => event.kind === 'emit' || event.kind === 'dense',
    ).length;
    this.#y = new Totals(backend);
    this.#stages = new Totals(backend);
    this.#before = new Totals(backend);
    this.#stepSize = new Totals(backend);
    this.#gradients = new Totals(backend);
    this.#timeGradients = new Totals(backend);
  }

  *run(): Run<Slot[]> {
    for (const entry of this.#tape.entries.toReversed()) {
      switch (entry.event.kind) {
        case 'emit':
          this.#emit(entry.event.index);
          break;
        case 'dense':
          yield* this.#dense(entry);
          break;
        case 'extend':
          yield* this.#extend(entry);
          break;
        case 'step':
          yield* this.#step(entry);
          break;
        case 'start':
          yield* this.#start(entry);
          break;
        case 'jump':
          this.#jump(entry.event.index);
          break;
      }
    }
    const { loop } = this.#attrs;
    loop.onSolve?.({
      nfe: this.#evaluations,
      jacobians: this.#jacobians,
      factorisations: this.#factorisations,
      accepted: this.#steps,
      rejected: 0,
      status: 'success',
      pass: 'backward',
    });
    return this.#results();
  }

  release(): void {
    for (const totals of [
      this.#y,
      this.#stages,
      this.#before,
      this.#stepSize,
      this.#gradients,
      this.#timeGradients,
    ]) {
      totals.release();
    }
    for (const slots of this.#jumps.values())
      releaseAll(slots.filter((slot) => slot !== undefined));
  }

  /** The cotangent of leaf `leaf` of observation `index`; null where zero. */
  #observation(leaf: number, index: number): Slot | null {
    const stack = this.#observed[leaf];
    if (stack === null) return null;
    const { shape, dtype } = this.#state[leaf];
    return sliceOf(this.#backend, stack, { shape: [this.#count, ...shape], dtype }, index);
  }

  /** The observation is the state itself. */
  #emit(index: number): void {
    this.#state.forEach((spec, leaf) => {
      const cotangent = this.#observation(leaf, index);
      if (cotangent !== null) this.#y.add(leaf, cotangent, spec);
    });
  }

  /** Runs a backward half on the residuals of `entry` and `cotangents`, which it releases. */
  *#runHalf(graph: Graph, { residuals }: TapeEntry, cotangents: readonly Slot[]): Run<Slot[]> {
    try {
      return yield* runGraph(graph, [...residuals, ...cotangents], this.#backend);
    } finally {
      releaseAll(cotangents);
    }
  }

  *#dense(entry: TapeEntry): Run<void> {
    const event = entry.event as Extract<TapeEntry['event'], { kind: 'dense' }>;
    const cotangents = this.#state.map((_, leaf) => this.#observation(leaf, event.index));
    if (cotangents.every((slot) => slot === null)) return;
    const filled = cotangents.map(
      (slot, leaf) => slot ?? zerosOf(this.#backend, this.#state[leaf]),
    );
    const results = yield* this.#runHalf(this.#attrs.halves.dense.backward, entry, filled);
    if (this.#attrs.wanted.times) {
      const [theta, h] = results.splice(0, 2);
      this.#observationTime(event.index, event.h, event.theta, theta);
      this.#stepSize.add(0, h, this.#scalar);
    }
    this.#state.forEach((spec, leaf) => {
      this.#before.add(leaf, results.shift() as Slot, spec);
    });
    results.forEach((slot, i) => {
      this.#stages.add(i, slot, this.#state[i % this.#leaves]);
    });
  }

  /** θ = (tᵢ − t)/h: it moves with the observation time, and with the step, whose share follows by `#timeOfStep`. */
  #observationTime(index: number, h: number, theta: number, cotangent: Slot): void {
    this.#timeGradients.add(index, cotangent.retain(), this.#scalar, 1 / h);
    this.#stepStart(cotangent, theta, h);
  }

  /** ∂θ/∂t = −1/h and ∂θ/∂h = −θ/h, for the t and h of the step being walked. */
  #stepStart(cotangent: Slot, theta: number, h: number): void {
    this.#stepSize.add(1, cotangent.retain(), this.#scalar, -1 / h);
    this.#stepSize.add(0, cotangent, this.#scalar, -theta / h);
  }

  /** The stages that only the interpolant needs: functions of the state before the step, and of the step's stages. */
  *#extend(entry: TapeEntry): Run<void> {
    const { loop, halves, wanted } = this.#attrs;
    const { c, denseStages } = loop.tableau;
    const first = c.length * this.#leaves;
    const count = (denseStages?.c.length ?? 0) * this.#leaves;
    // No cotangent arrived at what was observed in this step.
    if (!this.#stages.has(first)) return;
    this.#evaluations += count / this.#leaves;
    const cotangents = Array.from({ length: count }, (_, i) =>
      this.#stages.take(first + i, this.#state[i % this.#leaves]),
    );
    const { backward } = halves.extend as SplitGraph;
    const results = yield* this.#runHalf(backward, entry, cotangents);
    if (wanted.times) {
      const [t, h] = results.splice(0, 2);
      this.#stepSize.add(1, t, this.#scalar);
      this.#stepSize.add(0, h, this.#scalar);
    }
    this.#state.forEach((spec, leaf) => {
      this.#before.add(leaf, results.shift() as Slot, spec);
    });
    results.splice(0, first).forEach((slot, i) => {
      this.#stages.add(i, slot, this.#state[i % this.#leaves]);
    });
    this.#addGradients(results);
  }

  *#step(entry: TapeEntry): Run<void> {
    const event = entry.event as Extract<TapeEntry['event'], { kind: 'step' }>;
    const { loop, halves, wanted } = this.#attrs;
    const { fsal, c } = loop.tableau;
    const first = fsal ? 1 : 0;
    this.#steps++;
    const cost = reverseCost(loop.tableau);
    this.#evaluations += cost.evaluations;
    this.#jacobians += cost.jacobians;
    this.#factorisations += cost.factorisations;
    const cotangents = this.#state.map((spec, leaf) => this.#y.take(leaf, spec));
    for (let i = first * this.#leaves; i < c.length * this.#leaves; i++) {
      cotangents.push(this.#stages.take(i, this.#state[i % this.#leaves]));
    }
    const results = yield* this.#runHalf(halves.step.backward, entry, cotangents);
    if (wanted.times) {
      const [t, h] = results.splice(0, 2);
      this.#stepSize.add(1, t, this.#scalar);
      this.#stepSize.add(0, h, this.#scalar);
      this.#timeOfStep(event);
    }
    this.#state.forEach((spec, leaf) => {
      this.#y.add(leaf, results.shift() as Slot, spec);
      this.#y.absorb(this.#before, leaf, spec);
    });
    if (fsal) this.#firstStage(results);
    this.#addGradients(results);
  }

  /** The first stage was the last one of the step before: its cotangent, with what interpolation added, goes there. */
  #firstStage(results: Slot[]): void {
    const last = (this.#attrs.loop.tableau.c.length - 1) * this.#leaves;
    this.#state.forEach((spec, leaf) => {
      const slot = results.shift() as Slot;
      const interpolated = this.#stages.take(leaf, spec);
      this.#stages.add(last + leaf, slot, spec);
      this.#stages.add(last + leaf, interpolated, spec);
    });
  }

  /** From the cotangents of a step's t and h to those of the ends of its stretch: see the head of direct.ts. */
  #timeOfStep({ segment, position, length }: Extract<TapeEntry['event'], { kind: 'step' }>): void {
    const t = this.#stepSize.take(1, this.#scalar);
    const h = this.#stepSize.take(0, this.#scalar);
    const [from, to] = this.#stretch(segment);
    this.#timeGradients.add(from, t.retain(), this.#scalar, 1 - position);
    this.#timeGradients.add(to, t, this.#scalar, position);
    this.#timeGradients.add(from, h.retain(), this.#scalar, -length);
    this.#timeGradients.add(to, h, this.#scalar, length);
  }

  /** Indices of the times between which stretch `segment` lies. */
  #stretch(segment: number): [number, number] {
    const jumps = this.#attrs.loop.jumps.some((jump) => jump !== undefined);
    return jumps ? [segment, segment + 1] : [0, this.#count - 1];
  }

  *#start(entry: TapeEntry): Run<void> {
    const event = entry.event as Extract<TapeEntry['event'], { kind: 'start' }>;
    this.#evaluations++;
    const last = (this.#attrs.loop.tableau.c.length - 1) * this.#leaves;
    const cotangents = this.#state.map((spec, leaf) => this.#stages.take(last + leaf, spec));
    const results = yield* this.#runHalf(this.#attrs.halves.field.backward, entry, cotangents);
    if (this.#attrs.wanted.times) {
      this.#timeGradients.add(
        this.#stretch(event.segment)[0],
        results.shift() as Slot,
        this.#scalar,
      );
    }
    this.#state.forEach((spec, leaf) => {
      this.#y.add(leaf, results.shift() as Slot, spec);
    });
    this.#addGradients(results);
  }

  #addGradients(results: readonly Slot[]): void {
    const places = this.#attrs.wanted.args.flatMap((want, i) => (want ? [i] : []));
    results.forEach((slot, i) => {
      this.#gradients.add(places[i], slot, this.#args[places[i]]);
    });
  }

  /** y⁺ = keep · y + jump. */
  #jump(index: number): void {
    this.#attrs.loop.jumps.forEach((jump, leaf) => {
      if (jump === undefined) return;
      const spec = this.#state[leaf];
      const cotangent = this.#y.take(leaf, spec);
      const list = this.#jumps.get(leaf) ?? new Array<Slot>(this.#count - 2);
      this.#jumps.set(leaf, list);
      list[index - 1] = cotangent.retain();
      if (jump.keep) this.#y.add(leaf, cotangent, spec);
      else cotangent.release();
    });
  }

  /** The cotangents asked for, in the order of the solve's inputs. */
  #results(): Slot[] {
    const { loop, needs } = this.#attrs;
    const roles = solveInputs(needs, loop);
    const jumping = loop.jumps.flatMap((jump, leaf) => (jump === undefined ? [] : [leaf]));
    return [
      ...(roles.times ? [this.#stackTimes()] : []),
      ...roles.y0.flatMap((need, leaf) => (need ? [this.#y.take(leaf, this.#state[leaf])] : [])),
      ...roles.jumps.flatMap((need, i) => {
        if (!need) return [];
        const leaf = jumping[i];
        return [stackOf(this.#backend, this.#jumps.get(leaf) ?? [], this.#state[leaf])];
      }),
      ...roles.args.flatMap((need, i) => (need ? [this.#gradients.take(i, this.#args[i])] : [])),
    ];
  }

  #stackTimes(): Slot {
    const rows = Array.from({ length: this.#count }, (_, i) =>
      this.#timeGradients.take(i, this.#scalar),
    );
    const stack = stackOf(this.#backend, rows, this.#scalar);
    releaseAll(rows);
    return stack;
  }
}
