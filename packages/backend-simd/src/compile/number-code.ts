/** The float64 arithmetic of a program: every result in a local of its own. */
import type { Arithmetic, Num, Test } from '@neuralode/tensor';
import { hostIndex } from '../kernels/host-functions.ts';
import type { FunctionWriter } from '../wasm/function-writer.ts';

/** A number in a local. */
export class DynamicNumber {
  readonly kind = 'number';
  readonly local: number;

  constructor(local: number) {
    this.local = local;
  }
}

/** A condition in a local. */
class DynamicTest implements Test {
  readonly kind = 'test';
  readonly local: number;

  constructor(local: number) {
    this.local = local;
  }
}

export function pushNumber(f: FunctionWriter, value: Num): void {
  if (typeof value === 'number') f.f64(value);
  else f.get((value as DynamicNumber).local);
}

export function pushTest(f: FunctionWriter, test: Test): void {
  f.get((test as DynamicTest).local);
}

export function arithmeticOn(f: FunctionWriter): Arithmetic {
  const number = (write: () => void): Num => new DynamicNumber(f.let('f64', write));
  const test = (write: () => void): Test => new DynamicTest(f.let('i32', write));
  const push = (...values: readonly Num[]): void => {
    for (const value of values) pushNumber(f, value);
  };
  const binary = (opcode: number) => (a: Num, b: Num) =>
    number(() => {
      push(a, b);
      f.op(opcode);
    });
  const ofOne = (name: 'exp' | 'log') => (a: Num) =>
    number(() => {
      push(a);
      f.call(hostIndex(name));
    });
  const comparison = (opcode: number) => (a: Num, b: Num) =>
    test(() => {
      push(a, b);
      f.op(opcode);
    });
  const logic = (opcode: number) => (a: Test, b: Test) =>
    test(() => {
      pushTest(f, a);
      pushTest(f, b);
      f.op(opcode);
    });
  return {
    add: binary(0xa0),
    sub: binary(0xa1),
    mul: binary(0xa2),
    div: binary(0xa3),
    min: binary(0xa4),
    max: binary(0xa5),
    abs: (a) =>
      number(() => {
        push(a);
        f.op(0x99);
      }),
    exp: ofOne('exp'),
    log: ofOne('log'),
    pow: (a, b) =>
      number(() => {
        push(a, b);
        f.call(hostIndex('power'));
      }),
    less: comparison(0x63),
    lessEqual: comparison(0x65),
    equal: comparison(0x61),
    isFinite: (a) =>
      test(() => {
        // infinity and NaN less themselves are not 0
        push(a, a);
        f.op(0xa1);
        f.f64(0);
        f.op(0x61);
      }),
    both: logic(0x71),
    either: logic(0x72),
    not: (a) =>
      test(() => {
        pushTest(f, a);
        f.op(0x45);
      }),
    choose: (condition, a, b) =>
      number(() => {
        push(a, b);
        pushTest(f, condition);
        f.op(0x1b);
      }),
  };
}
