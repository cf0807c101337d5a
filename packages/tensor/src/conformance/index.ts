export type { ConformanceCase, ConformanceOptions, TestRunner } from './suite.ts';
export { conformanceCases, describeConformance } from './suite.ts';
