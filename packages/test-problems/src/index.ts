/** The names of @neuralode/test-problems. */
export { detest } from './detest.ts';
export { type NumberField, numberField, type Problem } from './problem.ts';
export { type Reference, references } from './reference.ts';
export { stiff } from './stiff.ts';
export { tensorField } from './tensor-field.ts';
