export { reference, type ReferenceOptions } from './reference.ts';
