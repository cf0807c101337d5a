/** Comparisons and logic: results are one byte, 0 or 1. A comparison with NaN is false, as IEEE 754 has it. */
import { pairKernel } from './broadcast.ts';
import type { Kernel } from './kernel.ts';

export const logicKernels: Record<string, Kernel> = {
  equal: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] === y[j + k * dj] ? 1 : 0;
  }),
  less: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] < y[j + k * dj] ? 1 : 0;
  }),
  lessEqual: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] <= y[j + k * dj] ? 1 : 0;
  }),
  logicalAnd: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] & y[j + k * dj];
  }),
  logicalOr: pairKernel((to, at, n, x, i, di, y, j, dj) => {
    for (let k = 0; k < n; k++) to[at + k] = x[i + k * di] | y[j + k * dj];
  }),
  logicalNot: ([x], _, out) => {
    for (let i = 0; i < out.data.length; i++) out.data[i] = x.data[i] === 0 ? 1 : 0;
  },
};
