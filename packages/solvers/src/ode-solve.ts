/**
 * `odeSolve`: an ODE solve as one node of the graph, its field recorded once as a sub-graph.
 *
 * dy/dt = f(t, y, args) from y(t₀), observed at t₀ … t_{T−1} (in either direction of time). At an interior time the
 * state may jump: y ← keep · y + jump, leaf by leaf. With that, the derivative of a solve is again a solve: the adjoint
 * state jumps at every observation, and the state that is solved alongside it is put back to its stored value.
 */
import {
  ArgumentError,
  type Block,
  type Modes,
  NeuralodeError,
  type Primitive,
  type Tensor,
} from '@neuralode/tensor';
import { runBatchedSolve } from './batched/batched-run.ts';
import { forwardMode } from './forward-mode.ts';
import { lowerOdeSolve, refusesLowering } from './lower-solve.ts';
import { runOdeSolve } from './run.ts';
import { countTimes, type GradientMethod, type OdeSolveAttrs, solveInputs } from './solve-attrs.ts';

function requireExplicit({ batch, method }: OdeSolveAttrs): void {
  const { tableau, name } = method;
  if (batch === undefined || (tableau !== undefined && tableau.implicit === undefined)) return;
  const what = tableau === undefined ? 'is not a Runge-Kutta method' : 'is implicit';
  throw new ArgumentError({
    what: `odeint: ${name} ${what}, and a batched solve takes explicit Runge-Kutta methods`,
    remedy: 'Use dopri5() or another explicit method; or leave batched out, for common steps',
  });
}

function reverseMode(
  inputs: readonly Tensor[],
  attrs: OdeSolveAttrs,
  needs: readonly boolean[],
  modes: Modes,
): ReturnType<GradientMethod['vjp']> {
  if (attrs.gradient !== undefined) return attrs.gradient.vjp(inputs, attrs, needs, modes);
  throw new NeuralodeError({
    what: 'odeint: a gradient is asked of a solve that was not told how to give one',
    remedy:
      'Pass { gradient: direct() } (exact for the discrete solution), { gradient: checkpointed() } (the same in bounded memory) or { gradient: backsolve() } (constant memory) of @neuralode/adjoint',
  });
}

export const odeSolve: Primitive<OdeSolveAttrs> = {
  name: 'odeSolve',
  infer(inputs, attrs) {
    requireExplicit(attrs);
    const count = countTimes(inputs, attrs);
    const { y0 } = solveInputs(inputs, attrs);
    const observed = y0.map(({ shape, dtype }) => ({ shape: [count, ...shape], dtype }));
    return [...observed, ...(attrs.quadrature?.outputs ?? [])];
  },
  run: (inputs, attrs, backend) =>
    attrs.batch === undefined
      ? runOdeSolve(inputs, attrs, backend)
      : runBatchedSolve(inputs, attrs, backend),
  lower: (code, inputs, outputs, attrs) =>
    lowerOdeSolve(code, inputs as readonly Block[], outputs as readonly Block[], attrs),
  refuses: refusesLowering,
  derivative: {
    jvp: (inputs, tangents, attrs) => forwardMode(odeSolve, inputs, tangents, attrs),
    vjp: reverseMode,
  },
};
