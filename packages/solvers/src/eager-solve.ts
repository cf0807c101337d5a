/**
 * The eager form of `odeint`: the node is run at once, with a witness that keeps what only a run can know.
 */
import { cleanRecording } from '@neuralode/autodiff';
import {
  apply,
  type DeviceBuffer,
  disposeTree,
  evaluateRun,
  type Flat,
  flatten,
  type Graph,
  hold,
  type Run,
  runOnTensors,
  type Spec,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { EndedByEvent, SolveError } from './errors.ts';
import { eventsOf, type Happening } from './events/event-options.ts';
import type { TensorEvent } from './events/event-search.ts';
import { EventWatch } from './events/event-watch.ts';
import { KeptSteps } from './kept-steps.ts';
import { odeSolve } from './ode-solve.ts';
import type { EveryStep } from './output.ts';
import { type Save, saveRows } from './save-rows.ts';
import { noDense, type Solution, type StateAt, stateAt } from './solution.ts';
import type { OdeSolveAttrs, SolveStats } from './solve-attrs.ts';

/** What of the solve is handed back. */
export interface OutputOptions<Y, Saved> {
  /** A function of the state: `ys` then holds its values instead, stacked. It may be differentiated through. */
  readonly save?: Save<Y, Saved>;
  /**
   * `everyStep()` or `everyStep(n)`: the steps decide what is kept, and `ts` are the start and the end. Not inside a
   * recorded function, where the number of steps is not known.
   */
  readonly output?: EveryStep;
  /** Keep every step, so that the solution can be evaluated anywhere by `at`. Not inside a recorded function. */
  readonly dense?: boolean;
  /**
   * Default true. With false a solve that fails on the way returns what it has: `ys` and `ts` up to there, `failure`, and
   * `stats.status` says why. Not inside a recorded function.
   */
  readonly throwOnFailure?: boolean;
}

/** What an eager solve adds to the node. */
export type Eager = Required<Pick<OdeSolveAttrs, 'onSolve' | 'witness'>>;

export interface PreparedSolve {
  readonly attrs: OdeSolveAttrs;
  readonly inputs: readonly Tensor[];
}

interface EagerOptions<Y, Args, Saved> extends OutputOptions<Y, Saved> {
  readonly args?: Args;
  readonly events?: TensorEvent<Y, Args> | readonly TensorEvent<Y, Args>[];
  readonly onSolve?: (stats: SolveStats) => void;
}

/** Runs the solve that `prepare` describes. */
export function* eagerSolve<Y, Args, Saved>(
  prepare: (eager: Eager) => PreparedSolve,
  y0: Y,
  options: EagerOptions<Y, Args, Saved>,
): Run<Solution<Y, Saved>> {
  const { output, dense = false } = options;
  const kept = new KeptSteps(output?.every, dense);
  let stats: SolveStats | undefined;
  const onSolve = (each: SolveStats): void => {
    stats = each;
    options.onSolve?.(each);
  };
  const state = flatten(y0);
  const events = eventsOf(options.events, 'odeint');
  let watch: EventWatch<Y, Args> | undefined;
  try {
    const { graph, captures } = cleanRecording(() => {
      const { attrs, inputs } = prepare({ onSolve, witness: kept });
      // First: what the node refuses is refused before any step of it is recorded.
      const outputs = apply(odeSolve, inputs, attrs);
      return outputs;
    });
    if (events.length > 0) {
      watch = new EventWatch(events, state, options.args as Args);
      kept.watch = watch;
    }
    const { observed, failure } = yield* attempt(graph, captures, options.throwOnFailure ?? true);
    const rows = output === undefined && observed !== undefined ? observed : keptRows(kept, state);
    if (rows !== observed) disposeTree(observed);
    const ys = yield* savedRows(options.save, kept.times, state.rebuild(rows));
    const happenings = watch?.take() ?? [];
    const solution = solutionOf(ys, kept, state, happenings, stats as SolveStats);
    return failure === undefined ? solution : { ...solution, failure };
  } finally {
    kept.release();
    watch?.release();
  }
}

interface Attempt {
  readonly observed?: readonly Tensor[];
  readonly failure?: SolveError;
}

/** Runs the solve; its failure is a result too where it is not to be thrown. */
function* attempt(graph: Graph, captures: readonly Tensor[], throws: boolean): Run<Attempt> {
  try {
    return { observed: yield* runOnTensors(graph, captures) };
  } catch (error) {
    if (error instanceof EndedByEvent) return {};
    if (throws || !(error instanceof SolveError)) throw error;
    return { failure: error };
  }
}

function keptRows<Y>(kept: KeptSteps, state: Flat<Y>): Tensor[] {
  const specs: Spec[] = state.tensors.map(({ shape, dtype }) => ({ shape, dtype }));
  return kept.stacks(specs).map((slot, leaf) => {
    const { shape, dtype } = specs[leaf];
    return hold(slot as DeviceBuffer, { shape: [kept.times.length, ...shape], dtype });
  });
}

function* savedRows<Y, Saved>(
  save: Save<Y, Saved> | undefined,
  times: readonly number[],
  rows: Y,
): Run<Saved> {
  if (save === undefined) return rows as unknown as Saved;
  const { dtype } = flatten(rows).tensors[0];
  const ts = tensor([...times], { dtype });
  try {
    return yield* evaluateRun(() => saveRows(save, ts, rows));
  } finally {
    disposeTree([ts, rows]);
  }
}

function solutionOf<Y, Saved>(
  ys: Saved,
  kept: KeptSteps,
  state: Flat<Y>,
  events: readonly Happening<Y>[],
  stats: SolveStats,
): Solution<Y, Saved> {
  const dense = kept.solution();
  return {
    ys,
    ts: [...kept.times],
    ...(kept.rowTimes !== undefined && { rowTimes: kept.rowTimes }),
    stats,
    events,
    at: dense === undefined ? (noDense as StateAt<Y>) : stateAt(dense, state),
    dispose() {
      disposeTree([ys, events.map(({ y }) => y)]);
      dense?.dispose();
    },
  };
}
