/** The public names of @neuralode/solvers. */
export {
  type AdaptiveControl,
  type Control,
  type FixedControl,
  integralController,
  type StepController,
  type StepMemory,
  stepFactor,
} from './control.ts';
export { controlOf, requireHeld } from './control-options.ts';
export {
  type ControllerGains,
  controllerFor,
  elementary,
  gustafssonPI,
  h211b,
  h211PI,
  h312b,
  h312PID,
  h321,
  hairerPI,
  pi33,
  pi42,
  pidController,
} from './controllers.ts';
export {
  AbortedError,
  EventsPileUpError,
  FieldError,
  MaxStepsError,
  NonFiniteError,
  SolveError,
  type SolvePass,
  type SolveStatus,
  StepSizeError,
} from './errors.ts';
export type { OutputOptions } from './eager-solve.ts';
export type { EventOf, Happening } from './events/event-options.ts';
export type { TensorEvent } from './events/event-watch.ts';
export { afterJumps, fieldAlong, weighRows } from './forward-mode.ts';
export { dopri5 } from './methods/dopri5.ts';
export { euler } from './methods/euler.ts';
export { midpoint } from './methods/midpoint.ts';
export { rk4 } from './methods/rk4.ts';
export { type ErrorNorm, maxNorm, perLeafNorm, rmsNorm } from './norms.ts';
export { odeSolve } from './ode-solve.ts';
export {
  type AdaptiveOptions,
  type Field,
  type FixedStepOptions,
  type Odeint,
  type OdeintOptions,
  odeint,
} from './odeint.ts';
export { requireKnownOptions } from './option-names.ts';
export { type EveryStep, everyStep } from './output.ts';
export {
  type KeptState,
  type PlainEvent,
  type PlainField,
  type PlainSolution,
  type PlainState,
  type SolveIvpOptions,
  solveIvp,
} from './plain/solve-ivp.ts';
export { runOdeSolve } from './run.ts';
export type { Save } from './save-rows.ts';
export type { Solution, StateAt } from './solution.ts';
export type { SolveEvent, SolveLog } from './solve-log.ts';
export {
  countTimes,
  type GradientMethod,
  type LeafJump,
  type OdeSolveAttrs,
  type SolveInputs,
  type SolveStats,
  solveInputs,
} from './solve-attrs.ts';
export type { AcceptedStep, Cut, Witness } from './solve-witness.ts';
export { plainGraphs, type RunnableGraphs, type StepGraphs, stepGraphs } from './step-graphs.ts';
export type { Oversight, StepReport } from './step-report.ts';
export type { StopTimes } from './stops.ts';
export type { AdaptiveSolver, FixedStepSolver, Solver, Tableau } from './tableau.ts';
