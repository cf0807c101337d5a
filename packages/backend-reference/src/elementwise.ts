/**
 * Numbers to numbers, element by element. The formulas are in float64 (int32 stays exact there); storing the result
 * rounds it. `Math.*` is taken as is: V8's are within one unit in the last place of float64.
 */
import type { HostArray } from '@neuralode/tensor';
import { pairKernel, where } from './broadcast.ts';
import type { Kernel } from './kernel.ts';

function unary(loop: (to: HostArray, x: HostArray) => void): Kernel {
  return ([x], _, out) => loop(out.data, x.data);
}

/** 1 / (1 + exp(-x)), written so that no exponential overflows and the small end keeps its digits. */
function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** IEEE 754: one to any power is one, and so is minus one to an infinite power. `Math.pow` says NaN. */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY) return 1;
  return base ** exponent;
}

const unaryKernels: Record<string, Kernel> = {
  neg: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = -x[i];
  }),
  abs: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.abs(x[i]);
  }),
  sign: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.sign(x[i]);
  }),
  floor: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.floor(x[i]);
  }),
  exp: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.exp(x[i]);
  }),
  expm1: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.expm1(x[i]);
  }),
  log: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.log(x[i]);
  }),
  log1p: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.log1p(x[i]);
  }),
  sqrt: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.sqrt(x[i]);
  }),
  sin: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.sin(x[i]);
  }),
  cos: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.cos(x[i]);
  }),
  tanh: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = Math.tanh(x[i]);
  }),
  sigmoid: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = sigmoid(x[i]);
  }),
  elu: unary((to, x) => {
    for (let i = 0; i < to.length; i++) to[i] = x[i] > 0 ? x[i] : Math.expm1(x[i]);
  }),
};

const multiply = pairKernel((to, at, n, x, i, di, y, j, dj) => {
  for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] * y[j + k * dj];
});

/** The float64 product of two int32 may lose its low bits, which are the ones that stay. */
const multiplyIntegers = pairKernel((to, at, n, x, i, di, y, j, dj) => {
  for (let k = 0; k < n; k++) to[at + k] = Math.imul(x[i + k * di], y[j + k * dj]);
});

const binaryKernels: Record<string, Kernel> = {
  add: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] + y[j + k * dj];
  }),
  sub: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] - y[j + k * dj];
  }),
  mul: (operands, attrs, out) =>
    (out.dtype === 'int32' ? multiplyIntegers : multiply)(operands, attrs, out),
  div: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] / y[j + k * dj];
  }),
  pow: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = power(x[i + k * di], y[j + k * dj]);
  }),
  // Math.max and Math.min are NaN where either is
  maximum: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = Math.max(x[i + k * di], y[j + k * dj]);
  }),
  minimum: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = Math.min(x[i + k * di], y[j + k * dj]);
  }),
};

export const elementwiseKernels: Record<string, Kernel> = {
  ...unaryKernels,
  ...binaryKernels,
  where,
};
