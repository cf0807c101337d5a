/**
 * A layer of continuous depth (Chen, Rubanova, Bettencourt, Duvenaud 2018, section 3): its output is the state at the
 * end of an ODE that begins at its input,
 *
 *     dh/dt = f(t, h; θ),   h(t₀) = x,   y = h(t₁).
 *
 * How it is solved and differentiated is no part of the parameters, so a trained block is evaluated at any tolerance
 * and by any method.
 */
import { backsolve } from '@neuralode/adjoint';
import {
  type AdaptiveOptions,
  everyStep,
  type Field,
  type FixedStepOptions,
  type OdeintOptions,
  odeint,
  type SolveStats,
} from '@neuralode/solvers';
import { ArgumentError, type Random, type Tensor } from '@neuralode/tensor';

/** The dynamics of a block: a layer that also knows the time, a scalar tensor. Input and output have one shape. */
export interface BlockField<P> {
  /** Fresh parameters; they belong to the caller. */
  init(rng: Random): P;
  apply(params: P, t: Tensor, h: Tensor): Tensor;
}

/** How a block is solved: the options of `odeint`. */
export type BlockSolve =
  | Omit<AdaptiveOptions<never>, 'args' | 'batched'>
  | Omit<FixedStepOptions<never>, 'args' | 'batched'>;

/** Settings of `odeBlock`; of those of `odeint`, rtol and atol are 1e-3 and the gradient is `backsolve()` by default. */
export type OdeBlockOptions = BlockSolve & {
  /** Where the ODE begins and ends. Default [0, 1]. */
  readonly span?: readonly [number, number];
  /**
   * So many channels of zeros are put behind those of the input, so that paths may pass around each other (Dupont,
   * Doucet, Teh 2019); the output has them too. Default 0.
   */
  readonly augment?: number;
};

/** How deep a block is for an input. */
export interface Depth {
  /** Where the accepted steps begin and end, the span's ends among them. */
  readonly times: readonly number[];
  readonly stats: SolveStats;
}

/** A layer of continuous depth. */
export interface OdeBlock<P> {
  /** Channels of zeros that it adds. */
  readonly augment: number;
  /** Fresh parameters, those of the field. */
  init(rng: Random): P;
  /**
   * [batch, …, channels] to [batch, …, channels + augment], inside a recorded function or `evaluate`. `solve` replaces
   * options of the block, such as the tolerances; a solver of its own needs all its options.
   */
  apply(params: P, x: Tensor, solve?: BlockSolve): Tensor;
  /** Solves for `x`, outside of recorded functions, and says which steps it took. */
  depth(params: P, x: Tensor, solve?: BlockSolve): Promise<Depth>;
}

/** Makes a layer of a field; see the head of this file. */
export function odeBlock<P>(field: BlockField<P>, options: OdeBlockOptions = {}): OdeBlock<P> {
  const { span = [0, 1], augment = 0, ...own } = options;
  requireAugment(augment);
  const dynamics: Field<Tensor, P> = (t, h, params) => field.apply(params, t, h);
  return {
    augment,
    init: (rng) => field.init(rng),
    apply(params, x, solve) {
      const settings = { ...settingsOf(own, solve), args: params } as OdeintOptions<P>;
      return odeint(dynamics, augmented(x, augment), span, settings).ys.at(-1);
    },
    async depth(params, x, solve) {
      const settings = { ...settingsOf(own, solve), args: params } as OdeintOptions<P>;
      const start = augmented(x, augment);
      const solution = await odeint(dynamics, start, span, { ...settings, output: everyStep() });
      try {
        return { times: [...solution.ts], stats: solution.stats };
      } finally {
        solution.dispose();
        if (start !== x) start.dispose();
      }
    },
  };
}

/** The block's own options with those of a call over them; tolerances mean nothing to a method of fixed steps. */
function settingsOf(own: BlockSolve, solve: BlockSolve = {}): BlockSolve {
  const isFixed = (solve.solver ?? own.solver)?.kind === 'fixed';
  const tolerances = isFixed ? {} : { rtol: 1e-3, atol: 1e-3 };
  if (solve.solver === undefined)
    return { gradient: backsolve(), ...tolerances, ...own, ...solve } as BlockSolve;
  const { gradient = backsolve() } = own;
  return {
    gradient,
    ...(own.onSolve && { onSolve: own.onSolve }),
    ...tolerances,
    ...solve,
  } as BlockSolve;
}

function augmented(x: Tensor, channels: number): Tensor {
  if (channels === 0) return x;
  const none = x.shape.map(() => 0);
  return x.pad(none, [...none.slice(1), channels]);
}

function requireAugment(augment: number): void {
  if (Number.isSafeInteger(augment) && augment >= 0) return;
  throw new ArgumentError({
    what: 'odeBlock: augment',
    got: String(augment),
    expected: 'a whole number of channels, 0 or more',
  });
}
