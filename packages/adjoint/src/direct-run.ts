/**
 * The backward pass through the steps of a recorded solve, walked from its end.
 */
import {
  countObserved,
  heed,
  type SolveEvent,
  type StepEvent,
  type StepKind,
  solveInputs,
} from '@neuralode/solvers';
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
  stackOf,
  zerosOf,
} from '@neuralode/tensor';
import { type SplitGraph, spread } from '@neuralode/autodiff';
import type { BackAttrs, Rewind, TapeEntry } from './direct-tape.ts';
import { TimeGradients } from './time-gradients.ts';
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
  /** What interpolation adds to the cotangent of the state before its step. */
  readonly #before: Totals;
  readonly #gradients: Totals;
  readonly #times: TimeGradients;
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
    this.#count = rewind.events.reduce((total, event) => total + countObserved(event), 0);
    this.#y = new Totals(backend);
    this.#memory = new Totals(backend);
    this.#groups = new Totals(backend);
    this.#before = new Totals(backend);
    this.#gradients = new Totals(backend);
    const jumps = loop.jumps.some((jump) => jump !== undefined);
    this.#times = new TimeGradients(backend, this.#scalar, (segment) =>
      jumps ? [segment, segment + 1] : [0, this.#count - 1],
    );
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
      this.#gradients,
      this.#times,
    ]) {
      totals.release();
    }
    for (const slots of this.#jumps.values())
      releaseAll(slots.filter((slot) => slot !== undefined));
  }

  /** The cotangents of leaf `leaf` of `count` observations from `index` on; null where zero. */
  #observation(leaf: number, index: number, count = 1): Slot | null {
    const slot = this.#observed[leaf];
    if (slot === null) return null;
    const spec = this.#rows(leaf, this.#count);
    const begin = spec.shape.map((_, axis) => (axis === 0 ? index : 0));
    const { shape: size } = this.#rows(leaf, count);
    return runKernel(this.#backend, p.slice, [{ slot, spec }], { begin, size });
  }

  #rows(leaf: number, count: number): Spec {
    const { shape, dtype } = this.#state[leaf];
    return { shape: [count, ...shape], dtype };
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
    const { index, thetas, step } = event;
    const count = thetas.length;
    const cotangents = this.#state.map((_, leaf) => this.#observation(leaf, index, count));
    if (cotangents.every((slot) => slot === null)) return;
    const filled = cotangents.map(
      (slot, leaf) => slot ?? zerosOf(this.#backend, this.#rows(leaf, count)),
    );
    const { backward } = halves.of(step).observe(count);
    const results = yield* this.#runHalf(backward, entry, filled);
    if (wanted.times) {
      const [byTheta, h] = results.splice(0, 2);
      this.#times.addObserved(event, byTheta);
      this.#times.addToStep(h);
    }
    this.#state.forEach((spec, leaf) => {
      this.#before.add(leaf, results.shift() as Slot, spec);
    });
    this.#addGroups(results);
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
      this.#times.addToStep(h, t);
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
      this.#times.addToStep(h, t);
      this.#times.closeStep(event);
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

  *#start(entry: TapeEntry, segment: number): Run<void> {
    const { halves, loop, wanted } = this.#attrs;
    this.#evaluations += loop.method.startEvaluations ?? 1;
    const { backward, residuals } = halves.start as SplitGraph;
    const groups = (backward.inputs.length - residuals) / this.#leaves;
    const cotangents = this.#takeGroups(this.#memory, 0, groups);
    const results = yield* this.#runHalf(backward, entry, cotangents);
    if (wanted.times) this.#times.addToStart(segment, results.shift() as Slot);
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
      ...(roles.times ? [this.#times.take(this.#count)] : []),
      ...roles.y0.flatMap((need, leaf) => (need ? [this.#y.take(leaf, this.#state[leaf])] : [])),
      ...roles.jumps.flatMap((need, i) => {
        if (!need) return [];
        const leaf = jumping[i];
        return [stackOf(this.#backend, this.#jumps.get(leaf) ?? [], this.#state[leaf])];
      }),
      ...roles.args.flatMap((need, i) => (need ? [this.#gradients.take(i, this.#args[i])] : [])),
    ];
  }
}
