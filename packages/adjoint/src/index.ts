/** The public names of @neuralode/adjoint. */
export { type BacksolveOptions, backsolve } from './backsolve.ts';
export { type CheckpointedOptions, checkpointed } from './checkpointed.ts';
export { direct } from './direct.ts';
export { reversible } from './reversible.ts';
