/**
 * The backward pass through the steps of a recorded solve, walked from its end.
 */
import {
  heed,
  type SolveEvent,
  type StepEvent,
  type StepKind,
  solveInputs,
} from '@neuralode/solvers';
import {
  type Backend,
  type Graph,
  type Run,
  releaseAll,
  runGraph,
  type Slot,
  type Spec,
  sliceOf,
  stackOf,
  zerosOf,
} from '@neuralode/tensor';
import { type SplitGraph, spread } from '@neuralode/autodiff';
import type { BackAttrs, Rewind, TapeEntry } from './direct-tape.ts';
import { Totals } from './totals.ts';

/** Runs an `odeSolveBack` node, whose inputs these are; the recorded solve is had from `rewind`. */
export function* walkBack(
  inputs: readonly Slot[],
  attrs: BackAttrs,
  backend: Backend,
  rewind: Rewind,
): Run<Slot[]> {
  const walk = new BackwardWalk(inputs, attrs, backend, rewind);
  try {
    return yield* walk.run();
  } finally {
    walk.release();
  }
}

type EventOf<K extends SolveEvent['kind']> = Extract<SolveEvent, { kind: K }>;

/** After how many steps something is read, which is when an asynchronous run gives way to others. */
const turnInterval = 16;

class BackwardWalk {
  readonly #attrs: BackAttrs;
  readonly #backend: Backend;
  readonly #rewind: Rewind;
  /** Cotangents of the observations, a stack a leaf; null where zero. */
  readonly #observed: readonly (Slot | null)[];
  readonly #count: number;
  /** When the first step began and the last one ended. */
  readonly #span: readonly [number, number];
  readonly #leaves: number;
  readonly #state: readonly Spec[];
  readonly #args: readonly Spec[];
  readonly #scalar: Spec;

  /** Cotangents of the state as it stands at this point of the walk, by leaf. */
  readonly #y: Totals;
  /** Cotangents of what the steps so far left, as it stands at this point of the walk: by group · leaves + leaf. */
  #memory: Totals;
  /** Cotangents of what the interpolants of the step being walked were given, by group · leaves + leaf. */
  readonly #groups: Totals;
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

  constructor(inputs: readonly Slot[], attrs: BackAttrs, backend: Backend, rewind: Rewind) {
    const { loop, needs, given } = attrs;
    this.#attrs = attrs;
    this.#backend = backend;
    this.#rewind = rewind;
    this.#observed = spread(given, inputs.slice(1 + needs.length));
    this.#leaves = loop.leaves;
    [this.#scalar] = loop.body.inputs;
    this.#state = loop.body.inputs.slice(1, 1 + loop.leaves);
    this.#args = loop.body.inputs.slice(1 + loop.leaves);
    const steps = rewind.events.filter((event) => event.kind === 'step');
    const last = steps.at(-1) as StepEvent;
    this.#span = [steps[0].t, last.t + last.h];
    this.#count = rewind.events.filter(({ kind }) => kind === 'emit' || kind === 'dense').length;
    this.#y = new Totals(backend);
    this.#memory = new Totals(backend);
    this.#groups = new Totals(backend);
    this.#before = new Totals(backend);
    this.#stepSize = new Totals(backend);
    this.#gradients = new Totals(backend);
    this.#timeGradients = new Totals(backend);
  }

  *run(): Run<Slot[]> {
    for (;;) {
      const stretch = yield* this.#rewind.previous();
      if (stretch === undefined) break;
      for (const entry of stretch.toReversed()) yield* this.#back(entry);
    }
    const { evaluations } = this.#rewind;
    this.#attrs.loop.onSolve?.({
      nfe: this.#evaluations,
      ...(evaluations > 0 && { recomputed: evaluations }),
      jacobians: this.#jacobians,
      factorisations: this.#factorisations,
      accepted: this.#steps,
      rejected: 0,
      status: 'success',
      pass: 'backward',
    });
    return this.#results();
  }

  *#back(entry: TapeEntry): Run<void> {
    const { event } = entry;
    switch (event.kind) {
      case 'emit':
        return this.#emit(event.index);
      case 'dense':
        return yield* this.#dense(entry, event);
      case 'extend':
        return yield* this.#extend(entry, event.step);
      case 'step':
        yield* this.#heed(event.t + event.h);
        yield* this.#step(entry, event);
        return this.#tell(event);
      case 'start':
        return yield* this.#start(entry, event.segment);
      case 'jump':
        return this.#jump(event.index);
    }
  }

  /** Tells how far the walk came. */
  #tell({ t, h }: StepEvent): void {
    const [start, end] = this.#span;
    const fraction = (end - t) / (end - start);
    this.#attrs.loop.onStep?.({ t, h: -h, accepted: true, fraction, pass: 'backward' });
  }

  /** Stops where it is asked to before the step that ended at `t`; at times lets those have their turn who may ask. */
  *#heed(t: number): Run<void> {
    if (this.#steps % turnInterval === 0) {
      const probe = zerosOf(this.#backend, this.#scalar);
      try {
        yield probe;
      } finally {
        probe.release();
      }
    }
    heed(this.#attrs.loop, t, 'backward');
  }

  release(): void {
    for (const totals of [
      this.#y,
      this.#memory,
      this.#groups,
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

  *#dense(entry: TapeEntry, event: EventOf<'dense'>): Run<void> {
    const { halves, wanted } = this.#attrs;
    const cotangents = this.#state.map((_, leaf) => this.#observation(leaf, event.index));
    if (cotangents.every((slot) => slot === null)) return;
    const filled = cotangents.map(
      (slot, leaf) => slot ?? zerosOf(this.#backend, this.#state[leaf]),
    );
    const results = yield* this.#runHalf(halves.of(event.step).dense.backward, entry, filled);
    if (wanted.times) {
      const [theta, h] = results.splice(0, 2);
      this.#observationTime(event.index, event.h, event.theta, theta);
      this.#stepSize.add(0, h, this.#scalar);
    }
    this.#state.forEach((spec, leaf) => {
      this.#before.add(leaf, results.shift() as Slot, spec);
    });
    this.#addGroups(results);
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

  /** What only the interpolant needs: functions of the state before the step, and of the step's groups. */
  *#extend(entry: TapeEntry, kind: StepKind): Run<void> {
    const { halves, wanted } = this.#attrs;
    const first = (kind.given + kind.fresh) * this.#leaves;
    // No cotangent arrived at what was observed in this step.
    if (!this.#groups.has(first)) return;
    this.#evaluations += kind.cost.extend;
    const cotangents = this.#takeGroups(this.#groups, first, kind.further);
    const { backward } = halves.of(kind).extend as SplitGraph;
    const results = yield* this.#runHalf(backward, entry, cotangents);
    if (wanted.times) {
      const [t, h] = results.splice(0, 2);
      this.#stepSize.add(1, t, this.#scalar);
      this.#stepSize.add(0, h, this.#scalar);
    }
    this.#state.forEach((spec, leaf) => {
      this.#before.add(leaf, results.shift() as Slot, spec);
    });
    this.#addGroups(results.splice(0, first));
    this.#addGradients(results);
  }

  #addGroups(slots: readonly Slot[]): void {
    slots.forEach((slot, i) => {
      this.#groups.add(i, slot, this.#state[i % this.#leaves]);
    });
  }

  /** `count` groups of cotangents from key `first` on. */
  #takeGroups(totals: Totals, first: number, count: number): Slot[] {
    return Array.from({ length: count * this.#leaves }, (_, i) =>
      totals.take(first + i, this.#state[i % this.#leaves]),
    );
  }

  *#step(entry: TapeEntry, event: StepEvent): Run<void> {
    const { halves, wanted } = this.#attrs;
    const { kind } = event.planned;
    const { reverse } = kind.cost;
    this.#steps++;
    this.#evaluations += reverse.evaluations;
    this.#jacobians += reverse.jacobians;
    this.#factorisations += reverse.factorisations;
    this.#recallMemory(kind);
    const cotangents = [
      ...this.#takeGroups(this.#y, 0, 1),
      ...this.#takeGroups(this.#groups, kind.given * this.#leaves, kind.fresh),
    ];
    const results = yield* this.#runHalf(halves.of(kind).step.backward, entry, cotangents);
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
    for (let key = 0; key < kind.given * this.#leaves; key++) {
      const spec = this.#state[key % this.#leaves];
      this.#memory.add(key, results.shift() as Slot, spec);
      this.#memory.absorb(this.#groups, key, spec);
    }
    this.#addGradients(results);
  }

  /** From the cotangents of the memory after a step of this kind to those of its fresh groups, and of the memory before. */
  #recallMemory({ leaves: left, given }: StepKind): void {
    const after = this.#memory;
    this.#memory = new Totals(this.#backend);
    const { memory } = this.#attrs.loop.method;
    for (let group = 0; group < memory; group++) {
      const to = group < left.length ? this.#groups : this.#memory;
      const target = group < left.length ? given + left[group] : group - left.length;
      for (let leaf = 0; leaf < this.#leaves; leaf++) {
        const spec = this.#state[leaf];
        const [key, place] = [group * this.#leaves + leaf, target * this.#leaves + leaf];
        if (after.has(key)) to.add(place, after.take(key, spec), spec);
      }
    }
  }

  /** From the cotangents of a step's t and h to those of the ends of its stretch: see the head of direct.ts. */
  #timeOfStep({ segment, position, length }: StepEvent): void {
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

  *#start(entry: TapeEntry, segment: number): Run<void> {
    this.#evaluations++;
    const { halves, wanted } = this.#attrs;
    const { backward, residuals } = halves.start as SplitGraph;
    const groups = (backward.inputs.length - residuals) / this.#leaves;
    const cotangents = this.#takeGroups(this.#memory, 0, groups);
    const results = yield* this.#runHalf(backward, entry, cotangents);
    if (wanted.times) {
      this.#timeGradients.add(this.#stretch(segment)[0], results.shift() as Slot, this.#scalar);
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
