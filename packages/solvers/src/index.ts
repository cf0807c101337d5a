/** The public names of @neuralode/solvers. */
export {
  type AdaptiveControl,
  type Control,
  type FixedControl,
  integralController,
  predictiveController,
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
  gustafssonPredictive,
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
  NewtonError,
  NonFiniteError,
  SolveError,
  type SolvePass,
  type SolveStatus,
  StepSizeError,
} from './errors.ts';
export type { OutputOptions } from './eager-solve.ts';
export type { EventOf, Happening } from './events/event-options.ts';
export type { TensorEvent } from './events/event-search.ts';
export {
  type EventSolution,
  type OdeintEvent,
  type OdeintEventOptions,
  odeintEvent,
} from './events/odeint-event.ts';
export { afterJumps, fieldAlong, timesInFront, weighRows } from './forward-mode.ts';
export type { StepCost } from './implicit/cost.ts';
export { type NewtonOptions, newtonSolve } from './implicit/find-root.ts';
export { type Gmres, type GmresOptions, gmres } from './implicit/gmres.ts';
export {
  type LoweredEvent,
  type LoweredLog,
  lowerOdeSolve,
  refusesLowering,
} from './lower-solve.ts';
export { identity, jacobianOf } from './implicit/jacobian.ts';
export { type KrylovAttrs, krylovSolve, tightTolerance } from './implicit/krylov-solve.ts';
export { linearSolve } from './implicit/linear-solve.ts';
export { type NewtonAttrs, newtonSolvePrimitive, RootError } from './implicit/newton-solve.ts';
export type {
  CoupledScheme,
  DiagonalScheme,
  ImplicitScheme,
  RosenbrockScheme,
} from './implicit/scheme.ts';
export type {
  Course,
  KindGraphs,
  Method,
  PlannedStep,
  ReversibleMethod,
  StepKind,
} from './method.ts';
export { methodOf } from './runge-kutta.ts';
export { type AutoOptions, auto } from './methods/auto.ts';
export { backwardEuler } from './methods/backward-euler.ts';
export { dopri5 } from './methods/dopri5.ts';
export { euler } from './methods/euler.ts';
export { gaussLegendre4, gaussLegendre6 } from './methods/gauss-legendre.ts';
export { implicitMidpoint } from './methods/implicit-midpoint.ts';
export { kvaerno3, kvaerno4, kvaerno5 } from './methods/kvaerno.ts';
export { type AlfOptions, alf } from './methods/alf.ts';
export { type CoupledOptions, coupled } from './methods/coupled.ts';
export { leapfrog } from './methods/leapfrog.ts';
export { type ReversibleHeunOptions, reversibleHeun } from './methods/reversible-heun.ts';
export { symplecticEuler } from './methods/symplectic-euler.ts';
export { midpoint } from './methods/midpoint.ts';
export { radau3, radau5 } from './methods/radau.ts';
export { rk4 } from './methods/rk4.ts';
export { adams } from './multistep/adams.ts';
export { bdf } from './multistep/bdf.ts';
export { adamsBashforth, adamsBashforthMoulton } from './multistep/fixed-adams.ts';
export { type ErrorNorm, maxNorm, perLeafNorm, rmsNorm } from './norms.ts';
export { rodas4 } from './methods/rodas4.ts';
export { trapezoid } from './methods/trapezoid.ts';
export { bosh3 } from './methods/bosh3.ts';
export { cashKarp } from './methods/cash-karp.ts';
export { dop853 } from './methods/dop853.ts';
export { fehlberg45 } from './methods/fehlberg45.ts';
export { heun } from './methods/heun.ts';
export { heunEuler } from './methods/heun-euler.ts';
export { ralston } from './methods/ralston.ts';
export { rk38 } from './methods/rk38.ts';
export { tsit5 } from './methods/tsit5.ts';
export { vern7 } from './methods/vern7.ts';
export type { ImplicitOptions } from './methods/solved-by.ts';
export { odeSolve } from './ode-solve.ts';
export type {
  AdaptiveOptions,
  Field,
  FixedStepOptions,
  OdeintOptions,
} from './odeint-options.ts';
export { type Odeint, odeint } from './odeint.ts';
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
export { runBatchedSolveWith } from './batched/batched-run.ts';
export type { RowStride } from './batched/row-clock.ts';
export {
  type RowGraph,
  RowGraphs,
  type RowInput,
  type RunnableRowGraph,
} from './batched/row-graphs.ts';
export type { Cell, HostNumbers, RowChoice, RowEvent, RowLog } from './batched/row-log.ts';
export { type GivenToRows, runOnRows } from './batched/row-machine.ts';
export type { Times } from './batched/row-times.ts';
export { runOdeSolve } from './run.ts';
export { runWithNumbers, type Uploadable } from './host-numbers.ts';
export { Stepper } from './stepper.ts';
export { applyJumps } from './jump.ts';
export type { Save } from './save-rows.ts';
export type { Solution, StateAt } from './solution.ts';
export {
  countObserved,
  noLog,
  type SolveEvent,
  type SolveLog,
  type Standing,
  type StepEvent,
} from './solve-log.ts';
export {
  countTimes,
  type GradientMethod,
  type ReversibleGradientMethod,
  type LeafJump,
  type OdeSolveAttrs,
  type RowStats,
  type SolveInputs,
  type SolveStats,
  solveInputs,
  timesAreInput,
} from './solve-attrs.ts';
export type { AcceptedStep, Cut, Witness } from './solve-witness.ts';
export {
  type CompleteKind,
  lazily,
  plainGraphs,
  type Problem,
  type RunnableGraphs,
  type StepGraphs,
  stepGraphs,
} from './step-graphs.ts';
export { heed, type Oversight, type StepReport } from './step-report.ts';
export type { StopTimes } from './stops.ts';
export type {
  AdaptiveRungeKutta,
  AdaptiveSolver,
  DenseStages,
  FixedStepRungeKutta,
  FixedStepSolver,
  ReversibleAdaptiveSolver,
  ReversibleFixedStepSolver,
  Solver,
  Tableau,
} from './tableau.ts';
