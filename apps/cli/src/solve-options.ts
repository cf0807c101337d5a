/** The options of a solve as `odeint` takes them. */
import { backsolve, direct } from '@neuralode/adjoint';
import {
  bosh3,
  dop853,
  dopri5,
  euler,
  type GradientMethod,
  heun,
  heunEuler,
  methodOf,
  midpoint,
  ralston,
  rk4,
  rk38,
  type Solver,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { InputError } from './failure.ts';
import type { GradientName, ModelOptions, SolverName } from './options.ts';

const gradients: Readonly<Record<GradientName, () => GradientMethod>> = { backsolve, direct };

const solvers: Readonly<Record<SolverName, () => Solver>> = {
  euler,
  midpoint,
  heun,
  ralston,
  rk4,
  rk38,
  heunEuler,
  bosh3,
  dopri5,
  tsit5,
  vern7,
  dop853,
};

/** Steps between two neighbouring measurements, by the order of a method that does not choose its own. */
const stepsPerSpacing: Readonly<Record<number, number>> = { 1: 16, 2: 4, 4: 2 };

/** Whether a method chooses its steps by tolerances. */
export function isAdaptive(name: SolverName): boolean {
  return solvers[name]().kind === 'adaptive';
}

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
  return stepsPerSpacing[methodOf(solvers[name]()).order] ?? 1;
}

/** As the report names it. */
export function solverTitle({ solver, rtol, atol }: ModelOptions): string {
  if (isAdaptive(solver)) return `${solver}, rtol ${rtol}, atol ${atol}`;
  return `${solver}, ${stepsOf(solver)} steps between measurements`;
}

/** A tolerance asked of a method that has none is a mistake worth telling. */
export function requireFittingOptions(options: ModelOptions, given: ReadonlySet<string>): void {
  if (isAdaptive(options.solver)) return;
  const idle = ['rtol', 'atol'].find((name) => given.has(name));
  if (idle === undefined) return;
  throw new InputError(
    `--${idle} has no effect with --solver ${options.solver}, which takes fixed steps; ` +
      'leave it out, or take an adaptive one such as --solver dopri5.',
  );
}
