/** The public names of @neuralode/adjoint. */
export { type BackwardOptions, type BacksolveOptions, backsolve } from './backsolve.ts';
export { type CheckpointedOptions, checkpointed } from './checkpointed.ts';
export { direct } from './direct.ts';
export { type InterpolatedOptions, interpolated } from './interpolated.ts';
export { forward } from './forward.ts';
export { type GmresControl, LinearSolveError } from './gmres.ts';
export { type ImplicitOptions, implicit } from './implicit.ts';
export { denseLu, gmres, type LinearMethod } from './linear-method.ts';
export { NotSteadyError } from './steady-root.ts';
export { reversible } from './reversible.ts';
