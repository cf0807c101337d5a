/** The public names of @neuralode/adjoint. */
export { type BackwardOptions, type BacksolveOptions, backsolve } from './backsolve.ts';
export { direct } from './direct.ts';
export { type InterpolatedOptions, interpolated } from './interpolated.ts';
