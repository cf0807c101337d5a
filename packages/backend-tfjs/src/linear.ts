/**
 * matMul, the reductions, and linearCombination.
 */
import type { AxesAttrs, AxisAttrs, WeightsAttrs } from '@neuralode/tensor';
import { broadcastShapes, sizeOf } from '@neuralode/tensor';
import { viewAs } from './block.ts';
import type { Kernel, KernelTable } from './kernel.ts';
import { broadcast, reducedLast } from './moves.ts';

const untransposed = { transposeA: false, transposeB: false };

/**
 * Many matrices times one are one plain product of all their rows: what a layer applied to a batch is, and several
 * times faster than a batched product. Everything else is batched, both sides alike.
 */
const matMul: Kernel<undefined> = (bench, inputs) => {
  const [a, b] = inputs;
  const [m, k] = a.shape.slice(-2);
  const n = b.shape[b.shape.length - 1];
  const batchA = sizeOf(a.shape.slice(0, -2));
  const batchB = sizeOf(b.shape.slice(0, -2));
  if (batchB === 1) {
    const rows = { a: viewAs(a, [batchA * m, k]), b: viewAs(b, [k, n]) };
    return bench.call('BatchMatMul', rows, untransposed);
  }
  const batchShape = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), 'matMul');
  const batch = sizeOf(batchShape);
  const whole = {
    a: viewAs(broadcast(bench, a, [...batchShape, m, k]), [batch, m, k]),
    b: viewAs(broadcast(bench, b, [...batchShape, k, n]), [batch, k, n]),
  };
  return bench.call('BatchMatMul', whole, untransposed);
};

const sum: Kernel<AxesAttrs> = (bench, [x], { axes }) =>
  axes.length === 0
    ? x
    : bench.call('Sum', { x: reducedLast(bench, x, axes) }, { axis: [1], keepDims: false });

const max: Kernel<AxesAttrs> = (bench, [x], { axes }) =>
  axes.length === 0
    ? x
    : bench.call(
        'Max',
        { x: reducedLast(bench, x, axes) },
        { reductionIndices: [1], keepDims: false },
      );

// NaN counts as largest, as it does for max; tfjs passes over it, on some devices only where it does not come first
const argMax: Kernel<AxisAttrs> = (bench, [x], { axis }) => {
  const rows = reducedLast(bench, x, [axis]);
  if (x.dtype !== 'float32') return bench.call('ArgMax', { x: rows }, { axis: 1 });
  const missing = bench.call('NotEqual', { a: rows, b: rows });
  const marks = bench.call('Cast', { x: missing }, { dtype: 'float32' });
  const lowest = bench.filled(Number.NEGATIVE_INFINITY, rows.shape, 'float32');
  const numbers = bench.call('Select', { condition: missing, t: lowest, e: rows });
  const found = bench.call('Max', { x: marks }, { reductionIndices: [1], keepDims: false });
  return bench.call('Select', {
    condition: bench.call('NotEqual', { a: found, b: bench.number(0) }),
    t: bench.call('ArgMax', { x: marks }, { axis: 1 }),
    e: bench.call('ArgMax', { x: numbers }, { axis: 1 }),
  });
};

const linearCombination: Kernel<WeightsAttrs> = (bench, inputs, { weights }) => {
  const scaled = inputs.map((x, i) =>
    weights[i] === 1 ? x : bench.call('Multiply', { a: x, b: bench.number(weights[i], x.dtype) }),
  );
  return scaled.reduce((a, b) => bench.call('Add', { a, b }));
};

export const linear: KernelTable = { matMul, sum, max, argMax, linearCombination };
