/**
 * What compiled code calls outside itself: functions of one number that no vector code is written for (the engine
 * compiles calls of most of `Math` to direct ones), errors, and more room for tapes.
 */
import type { Signature } from '../wasm/function-writer.ts';

const ofOne: Signature = { params: ['f64'], results: ['f64'] };
const ofTwo: Signature = { params: ['f64', 'f64'], results: ['f64'] };

/** IEEE 754: one to any power is one, and so is minus one to an infinite power. `Math.pow` says NaN. */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY) return 1;
  return base ** exponent;
}

/** In the order of their indices in every module. */
export const mathFunctions = {
  exp: Math.exp,
  log: Math.log,
  sin: Math.sin,
  cos: Math.cos,
  pow: power,
  /** What `**` of JavaScript does, for the arithmetic of step control. */
  power: Math.pow,
} as const;

export type MathFunction = keyof typeof mathFunctions;

/** What a program brings of its own. */
export interface HostCalls {
  /** Calls function `which` of the program's list. */
  call0(which: number): void;
  call1(which: number, a: number): void;
  call2(which: number, a: number, b: number): void;
  call3(which: number, a: number, b: number, c: number): void;
  /** Address of a fresh stretch of tape. */
  moreTape(bytes: number): number;
}

const numbers = (count: number): Signature['params'] => new Array(count).fill('f64');

const signatures: readonly (readonly [string, Signature])[] = [
  ...Object.keys(mathFunctions).map(
    (name) => [name, name.startsWith('pow') ? ofTwo : ofOne] as const,
  ),
  ...[0, 1, 2, 3].map(
    (count) => [`call${count}`, { params: ['i32', ...numbers(count)], results: [] }] as const,
  ),
  ['moreTape', { params: ['i32'], results: ['i32'] }],
];

/** Declares all of them, first in the module, so that their indices are `hostIndex`. */
export function declareHost(module: { import(name: string, signature: Signature): number }): void {
  for (const [name, signature] of signatures) module.import(name, signature);
}

export function hostIndex(name: MathFunction | keyof HostCalls): number {
  return signatures.findIndex(([each]) => each === name);
}
