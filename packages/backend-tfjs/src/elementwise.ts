/**
 * Elementwise kernels. The defaults favour a right answer on every tfjs backend over a fast one; a backend package
 * overrides those that its device computes well by itself.
 */
import type { CastAttrs, FillAttrs } from '@neuralode/tensor';
import type { Block, DeviceDType } from './block.ts';
import type { Kernel, KernelTable } from './kernel.ts';
import { broadcast } from './moves.ts';
import type { Workbench } from './workbench.ts';

/** A primitive that a unary tfjs kernel computes as it should. */
export function unaryKernel(name: string): Kernel<undefined> {
  return (bench, [x]) => bench.call(name, { x });
}

/** A primitive that a binary tfjs kernel computes as it should. */
export function binaryKernel(name: string): Kernel<undefined> {
  return (bench, [a, b]) => bench.call(name, { a, b });
}

// integers go through float32 in the unary kernels of some devices, which rounds them above 2^24
const neg: Kernel<undefined> = (bench, [x]) => {
  if (x.dtype === 'float32') return bench.call('Neg', { x });
  return bench.call('Sub', { a: bench.number(0, x.dtype), b: x });
};

const abs: Kernel<undefined> = (bench, [x]) => {
  if (x.dtype === 'float32') return bench.call('Abs', { x });
  return bench.call('Maximum', {
    a: x,
    b: bench.call('Sub', { a: bench.number(0, x.dtype), b: x }),
  });
};

/** True where there is a number: NaN is the one value that differs from itself. */
function isNumber(bench: Workbench, x: Block): Block {
  return bench.call('Equal', { a: x, b: x });
}

function select(bench: Workbench, condition: Block, a: Block, b: Block): Block {
  return bench.call('Select', { condition, t: a, e: b });
}

// tfjs gives 0 for the sign of NaN
const sign: Kernel<undefined> = (bench, [x]) => {
  const signs = bench.call('Sign', { x });
  return x.dtype === 'float32' ? select(bench, isNumber(bench, x), signs, x) : signs;
};

/**
 * log(1 + x) as W. Kahan had it: with u = 1 + x rounded, log(u) · x / (u - 1) cancels the rounding error of u.
 * tfjs' own kernel takes log(1 + x) as it stands on most devices, which is 4.6 % off at 1e-6.
 */
const log1p: Kernel<undefined> = (bench, [x]) => {
  const one = bench.number(1);
  const u = bench.call('Add', { a: x, b: one });
  const delta = bench.call('Sub', { a: u, b: one });
  const ratio = bench.call('RealDiv', { a: x, b: delta });
  const scaled = bench.call('Multiply', { a: bench.call('Log', { x: u }), b: ratio });
  const tiny = bench.call('Equal', { a: u, b: one });
  const infinite = bench.call('Equal', { a: u, b: bench.number(Number.POSITIVE_INFINITY) });
  const small = bench.call('LogicalOr', { a: tiny, b: infinite });
  return select(bench, small, x, scaled);
};

// tfjs' own takes exp(x) − 1 as it stands on most devices
const elu: Kernel<undefined> = (bench, [x]) => {
  const positive = bench.call('Greater', { a: x, b: bench.number(0) });
  return select(bench, positive, x, bench.call('Expm1', { x }));
};

/** Maximum and Minimum of most devices let one of the operands hide the other's NaN; a + b does not. */
function nanKeeping(name: string): Kernel<undefined> {
  return (bench, [a, b], _attrs, { shape }) => {
    const chosen = bench.call(name, { a, b });
    if (chosen.dtype !== 'float32') return chosen;
    const numbers = bench.call('LogicalAnd', {
      a: broadcast(bench, isNumber(bench, a), shape),
      b: broadcast(bench, isNumber(bench, b), shape),
    });
    const total = bench.call('Add', { a, b });
    return select(bench, numbers, chosen, total);
  };
}

// Select does not broadcast, and on some devices copies four bytes an element: booleans are chosen by logic
const where: Kernel<undefined> = (bench, inputs, _attrs, { shape, dtype }) => {
  const [condition, a, b] = inputs.map((input) => broadcast(bench, input, shape));
  if (dtype !== 'bool') return select(bench, condition, a, b);
  const otherwise = bench.call('LogicalNot', { x: condition });
  return bench.call('LogicalOr', {
    a: bench.call('LogicalAnd', { a: condition, b: a }),
    b: bench.call('LogicalAnd', { a: otherwise, b }),
  });
};

const fill: Kernel<FillAttrs> = (bench, _inputs, { value, shape, dtype }) =>
  bench.filled(dtype === 'bool' ? Number(value !== 0) : value, shape, dtype as DeviceDType);

// to bool means "is not zero"; tfjs' Cast would drop the fraction first
const cast: Kernel<CastAttrs> = (bench, [x], { dtype }) =>
  dtype === 'bool' && x.dtype !== 'bool'
    ? bench.call('NotEqual', { a: x, b: bench.number(0, x.dtype) })
    : bench.call('Cast', { x }, { dtype });

export const elementwise: KernelTable = {
  neg,
  abs,
  sign,
  log1p,
  elu,
  where,
  fill,
  cast,
  maximum: nanKeeping('Maximum'),
  minimum: nanKeeping('Minimum'),
  floor: unaryKernel('Floor'),
  exp: unaryKernel('Exp'),
  expm1: unaryKernel('Expm1'),
  log: unaryKernel('Log'),
  sqrt: unaryKernel('Sqrt'),
  sin: unaryKernel('Sin'),
  cos: unaryKernel('Cos'),
  tanh: unaryKernel('Tanh'),
  sigmoid: unaryKernel('Sigmoid'),
  logicalNot: unaryKernel('LogicalNot'),
  add: binaryKernel('Add'),
  sub: binaryKernel('Sub'),
  mul: binaryKernel('Multiply'),
  div: binaryKernel('RealDiv'),
  pow: binaryKernel('Pow'),
  equal: binaryKernel('Equal'),
  less: binaryKernel('Less'),
  lessEqual: binaryKernel('LessEqual'),
  logicalAnd: binaryKernel('LogicalAnd'),
  logicalOr: binaryKernel('LogicalOr'),
};
