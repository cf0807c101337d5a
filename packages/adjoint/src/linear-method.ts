/**
 * How the linear system of `implicit()` is solved: with the Jacobian as a matrix, or by products with it alone.
 */
import { requireKnownOptions, jacobianOf, linearSolve } from '@neuralode/solvers';
import { ArgumentError, type Graph, type Tensor, zerosLike } from '@neuralode/tensor';
import { type GmresControl, operatorSolve } from './gmres.ts';

export interface LinearMethod {
  readonly name: string;
  /** x with A x = b; `operator` makes A v of v [n] and the parameters. Differentiable to any order. Records. */
  solve(operator: Graph, params: readonly Tensor[], b: Tensor): Tensor;
}

const dense: LinearMethod = {
  name: 'dense LU',
  solve: (operator, params, b) =>
    // Linear in v: its Jacobian anywhere is the matrix.
    linearSolve(jacobianOf(operator, [zerosLike(b), ...params], 0), b),
};

/** The Jacobian as a matrix, factorised on the host: for up to some hundreds of unknowns. */
export function denseLu(): LinearMethod {
  return dense;
}

/**
 * GMRES: products with the Jacobian only, for large systems; it converges fast where the eigenvalues of the Jacobian lie
 * close together.
 *
 * @param options `tolerance` of the residual relative to the right-hand side (default 1e-10, or 1e-6 in float32);
 *   `restart`, products before it starts afresh (default 50); `maxIterations`, products in all (default 1000)
 */
export function gmres(options: Partial<GmresControl> = {}): LinearMethod {
  requireKnownOptions(options, ['tolerance', 'restart', 'maxIterations'], 'gmres');
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'number' && value > 0) continue;
    throw new ArgumentError({
      what: `gmres: ${name} must be a positive number`,
      got: String(value),
    });
  }
  const { restart = 50, maxIterations = 1000 } = options;
  return {
    name: 'GMRES',
    solve(operator, params, b) {
      const { tolerance = b.dtype === 'float32' ? 1e-6 : 1e-10 } = options;
      return operatorSolve(operator, params, b, { tolerance, restart, maxIterations });
    },
  };
}
