/**
 * Initialisers: how the first values of a parameter are drawn.
 *
 * Fans are read off the last two axes, as weights are laid out here: `[inputs, outputs]`, or `[…window, inputs,
 * outputs]` for a convolution, whose window counts into both fans. Numbers are drawn in float64 and then rounded, so
 * one seed gives the same network on every backend.
 */
import {
  full,
  getBackend,
  type Random,
  ShapeError,
  showShape,
  sizeOf,
  type Tensor,
  type TensorOptions,
  tensor,
} from '@neuralode/tensor';

/** Makes a parameter of the given shape. */
export type Initialiser = (
  rng: Random,
  shape: readonly number[],
  options?: TensorOptions,
) => Tensor;

interface Fans {
  readonly inputs: number;
  readonly outputs: number;
}

function fansOf(shape: readonly number[], what: string): Fans {
  if (shape.length < 2) {
    throw new ShapeError({
      what: `${what}: a parameter without an input and an output axis has no fan-in`,
      got: showShape(shape),
      expected: '[inputs, outputs], or […window, inputs, outputs]',
      remedy: 'For a bias take constant(…), uniform(…) or normal(…)',
    });
  }
  const [inputs, outputs] = shape.slice(-2);
  const window = sizeOf(shape.slice(0, -2));
  return { inputs: window * inputs!, outputs: window * outputs! };
}

function symmetric(what: string, halfWidth: (fans: Fans) => number): Initialiser {
  return (rng, shape, options) => {
    const limit = halfWidth(fansOf(shape, what));
    return rng.uniform(shape, -limit, limit, options);
  };
}

function centred(what: string, standardDeviation: (fans: Fans) => number): Initialiser {
  return (rng, shape, options) =>
    rng.normal(shape, 0, standardDeviation(fansOf(shape, what)), options);
}

/** The same number everywhere: `constant(0)` for biases. */
export function constant(value: number): Initialiser {
  return (_rng, shape, options) => full(shape, value, options);
}

/** Uniform in [low, high). */
export function uniform(low: number, high: number): Initialiser {
  return (rng, shape, options) => rng.uniform(shape, low, high, options);
}

/** Independent numbers from N(mean, standardDeviation²). */
export function normal(mean: number, standardDeviation: number): Initialiser {
  return (rng, shape, options) => rng.normal(shape, mean, standardDeviation, options);
}

/**
 * Uniform in ±√(6 / (inputs + outputs)), of variance 2 / (inputs + outputs): keeps the scale of signals and gradients
 * through symmetric activations such as tanh (Glorot, Bengio 2010, eq. 16).
 */
export const glorotUniform: Initialiser = symmetric('glorotUniform', ({ inputs, outputs }) =>
  Math.sqrt(6 / (inputs + outputs)),
);

/** N(0, 2 / (inputs + outputs)) (Glorot, Bengio 2010, eq. 12). */
export const glorotNormal: Initialiser = centred('glorotNormal', ({ inputs, outputs }) =>
  Math.sqrt(2 / (inputs + outputs)),
);

/** N(0, 2 / inputs): keeps the scale of signals through relu (He, Zhang, Ren, Sun 2015, eq. 10). */
export const heNormal: Initialiser = centred('heNormal', ({ inputs }) => Math.sqrt(2 / inputs));

/**
 * Uniform in ±√(6 / ((1 + a²) inputs)): keeps the scale of signals through a leaky relu of slope `a` below 0 (He, Zhang,
 * Ren, Sun 2015, eq. 15). With a = √5 it is uniform in ±1/√inputs, torch's default for convolutions.
 */
export function heUniform(negativeSlope = 0): Initialiser {
  return symmetric('heUniform', ({ inputs }) => Math.sqrt(6 / ((1 + negativeSlope ** 2) * inputs)));
}

/** N(0, 1 / inputs) (LeCun, Bottou, Orr, Müller 1998, "Efficient BackProp", eq. 16). */
export const lecunNormal: Initialiser = centred('lecunNormal', ({ inputs }) =>
  Math.sqrt(1 / inputs),
);

/**
 * A matrix `[rows, columns]` with orthonormal rows or columns, whichever are fewer, times `gain`: keeps the length of
 * a recurrent state (Saxe, McClelland, Ganguli 2013). Uniform over such matrices: Gram and Schmidt's factor of a
 * Gaussian matrix has a positive diagonal, which is what Mezzadri 2007 asks for.
 */
export function orthogonal(gain = 1): Initialiser {
  return (rng, shape, options) => {
    const [rows, columns] = shape;
    if (shape.length !== 2 || rows === undefined || columns === undefined) {
      throw new ShapeError({
        what: 'orthogonal: makes matrices only',
        got: showShape(shape),
        expected: '[rows, columns]',
      });
    }
    const count = Math.min(rows, columns);
    const length = Math.max(rows, columns);
    const vectors = orthonormalVectors(rng, count, length);
    const elements = Float64Array.from({ length: rows * columns }, (_, k) => {
      const row = Math.floor(k / columns);
      const column = k % columns;
      return gain * (rows < columns ? vectors[row][column] : vectors[column][row]);
    });
    return tensor(elements, shape, { dtype: options?.dtype ?? getBackend().floatDType });
  };
}

/** `count` orthonormal vectors of `length` ≥ `count` elements. */
function orthonormalVectors(rng: Random, count: number, length: number): Float64Array[] {
  const basis: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, () => rng.nextNormal());
    // Twice is enough (Giraud, Langou, Rozložník 2005): once leaves what rounding put back.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis) {
        const along = dot(vector, other);
        for (let k = 0; k < length; k++) vector[k] -= along * other[k];
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    basis.push(vector.map((element) => element / norm));
  }
  return basis;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}
