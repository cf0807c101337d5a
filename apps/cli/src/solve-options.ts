/** The options of a solve as `odeint` takes them. */
import { backsolve, direct } from '@neuralode/adjoint';
import { dopri5, euler, type GradientMethod, midpoint, rk4, type Solver } from '@neuralode/solvers';
import { InputError } from './failure.ts';
import type { GradientName, ModelOptions, SolverName } from './options.ts';

const solvers: Readonly<Record<SolverName, () => Solver>> = { euler, midpoint, rk4, dopri5 };
const gradients: Readonly<Record<GradientName, () => GradientMethod>> = { backsolve, direct };

/** Steps between two neighbouring measurements, for methods that do not choose their own. */
const stepsPerSpacing: Readonly<Record<Exclude<SolverName, 'dopri5'>, number>> = {
  euler: 16,
  midpoint: 4,
  rk4: 2,
};

/** `spacing` is the usual distance of two measurements, in the model's time. */
export function solveOptions(options: ModelOptions, spacing: number) {
  const gradient = gradients[options.gradient]();
  const solver = solvers[options.solver]();
  if (solver.kind === 'adaptive') {
    return { solver, gradient, rtol: options.rtol, atol: options.atol } as const;
  }
  return { solver, gradient, stepSize: spacing / stepsOf(options.solver) } as const;
}

function stepsOf(name: SolverName): number {
  return name === 'dopri5' ? 1 : stepsPerSpacing[name];
}

/** As the report names it. */
export function solverTitle({ solver, rtol, atol }: ModelOptions): string {
  if (solver === 'dopri5') return `dopri5, rtol ${rtol}, atol ${atol}`;
  return `${solver}, ${stepsOf(solver)} steps between measurements`;
}

/** A tolerance asked of a method that has none is a mistake worth telling. */
export function requireFittingOptions(options: ModelOptions, given: ReadonlySet<string>): void {
  if (options.solver === 'dopri5') return;
  const idle = ['rtol', 'atol'].find((name) => given.has(name));
  if (idle === undefined) return;
  throw new InputError(
    `--${idle} has no effect with --solver ${options.solver}, which takes fixed steps; ` +
      'leave it out, or take --solver dopri5.',
  );
}
