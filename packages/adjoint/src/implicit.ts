/**
 * `implicit()`: the gradient of a steady state, by the implicit function theorem. The solve must end where the field
 * vanishes, f(t₁, y₁, args) = 0; then y₁ depends on args alone, and its gradient takes one linear solve,
 * (∂f/∂y)ᵀ λ = −∂L/∂y₁ and ∂L/∂args = λᵀ ∂f/∂args, whatever the way there was: no step is kept, none is repeated.
 */
import {
  countTimes,
  type GradientMethod,
  type OdeSolveAttrs,
  odeSolve,
  requireKnownOptions,
  solveInputs,
} from '@neuralode/solvers';
import { ArgumentError, apply, full, record, stack, type Tensor } from '@neuralode/tensor';
import { denseLu, type LinearMethod } from './linear-method.ts';
import { type SteadyRootAttrs, steadyRoot } from './steady-root.ts';

/** Settings of `implicit`. */
export interface ImplicitOptions {
  /** How the linear system is solved: `denseLu()`, the default, or `gmres()`. */
  readonly linear?: LinearMethod;
  /** The state counts as steady where |f| ≤ atol + rtol |y| element by element. Default 1e-5. */
  readonly rtol?: number;
  /** In units of the state per unit of time. Default 1e-6. */
  readonly atol?: number;
}

function requireEnd(inputs: readonly Tensor[], attrs: OdeSolveAttrs): void {
  const jumps = attrs.jumps.some((jump) => jump !== undefined);
  const count = countTimes(inputs, attrs);
  if (attrs.batch === undefined && count === 2 && !jumps) return;
  const got =
    attrs.batch === undefined
      ? jumps
        ? 'a state that jumps'
        : `${count} times`
      : 'a batched solve';
  throw new ArgumentError({
    what: 'implicit: the gradient of a steady state is that of the end of one solve',
    got,
    expected: 'two times, the start and one by which the state stands still',
    remedy: 'For gradients on the way there use direct()',
  });
}

function requireSize(value: number, name: string): void {
  if (value > 0 && Number.isFinite(value)) return;
  throw new ArgumentError({
    what: `implicit: ${name} must be a positive number`,
    got: String(value),
  });
}

/**
 * The gradient of a solve's end as a steady state: by `args` and by what the field captures; zero by the initial state
 * (within the basin of one steady state) and by the times. Memory and cost do not depend on the steps.
 *
 * @throws ArgumentError if more than the start and the end is observed; NotSteadyError, when it runs, if the state does
 *   not stand still at the end; LinearSolveError if `gmres()` does not converge
 */
export function implicit(options: ImplicitOptions = {}): GradientMethod {
  requireKnownOptions(options, ['linear', 'rtol', 'atol'], 'implicit');
  const { linear = denseLu(), rtol = 1e-5, atol = 1e-6 } = options;
  requireSize(rtol, 'rtol');
  requireSize(atol, 'atol');
  return {
    name: 'implicit',
    vjp(inputs, attrs, needs, modes) {
      requireEnd(inputs, attrs);
      const { body, leaves } = attrs;
      const still = inputs.map((input) => input.stopGradient());
      const found = apply(odeSolve, still, attrs).map((rows) => rows.at(-1));
      const dtype = body.inputs[0].dtype as Tensor['dtype'];
      const rootAttrs: SteadyRootAttrs = {
        body,
        leaves,
        rtol,
        atol,
        linear,
        who: 'odeint, gradient by implicit()',
        remedy: 'Solve further, to a later end; or use direct(), which needs no steady state',
      };
      const recording = record([...found, ...inputs], (...stand) => {
        const end = stand.splice(0, leaves);
        const { times, y0, args } = solveInputs(stand, attrs);
        const last = attrs.times?.at(-1) as number;
        const t = times?.at(-1).cast(dtype).stopGradient() ?? full([], last, { dtype });
        return steadyRoot(t, end, args, rootAttrs).map((root, l) => stack([y0[l], root]));
      });
      const operands = [...found, ...inputs];
      const wanted = [...found.map(() => false), ...needs];
      const { outputs, pullback } = modes.pullBack(recording.graph, operands, wanted);
      return { outputs, pullback: (cotangents) => pullback(cotangents).slice(leaves) };
    },
  };
}
