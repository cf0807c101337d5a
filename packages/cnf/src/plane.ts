/** Quadrature over a square of the plane, by the midpoint rule: how a density is drawn, and checked to be one. */
import { ArgumentError, getBackend, type Tensor, tensor } from '@neuralode/tensor';

/** The midpoints of equal cells of the square [−halfWidth, halfWidth]². */
export interface PlaneGrid {
  readonly halfWidth: number;
  /** Cells along a side. */
  readonly cells: number;
  /** Area of a cell. */
  readonly area: number;
  /** [cells², 2]; the first coordinate varies fastest. */
  readonly points: Tensor;
}

/** Makes a grid; its tensor belongs to the caller. */
export function planeGrid(halfWidth: number, cells: number): PlaneGrid {
  if (!(halfWidth > 0 && Number.isSafeInteger(cells) && cells > 0)) {
    throw new ArgumentError({
      what: 'planeGrid: size',
      got: `half width ${halfWidth}, ${cells} cells a side`,
      expected: 'both positive, the second an integer',
    });
  }
  const side = (2 * halfWidth) / cells;
  const at = (i: number): number => (i + 0.5) * side - halfWidth;
  const elements = new Float64Array(2 * cells * cells);
  for (let i = 0; i < cells * cells; i++) {
    elements[2 * i] = at(i % cells);
    elements[2 * i + 1] = at(Math.floor(i / cells));
  }
  const points = tensor(elements, [cells * cells, 2], { dtype: getBackend().floatDType });
  return { halfWidth, cells, area: side * side, points };
}

/** log ∫ exp(g) over the grid's square, from the values of g at its points. */
export function logIntegral(values: ArrayLike<number>, { area }: PlaneGrid): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, values[i]);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - largest);
  return largest + Math.log(sum * area);
}
