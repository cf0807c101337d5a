/**
 * Gauss-Legendre quadrature on [0, 1]: n nodes integrate polynomials of degree 2n − 1 exactly (Hairer, Nørsett, Wanner I,
 * section II.1). The nodes are the roots of the Legendre polynomial, found by Newton's iteration from Tricomi's
 * approximation cos(π (i + 3/4)/(n + 1/2)); the weights are 2/((1 − x²) Pₙ′(x)²) on [−1, 1] (Abramowitz, Stegun, 25.4.29).
 */

export interface Quadrature {
  readonly nodes: readonly number[];
  readonly weights: readonly number[];
}

/** Pₙ(x) and Pₙ′(x), by the three-term recurrence. */
function legendre(n: number, x: number): [number, number] {
  let [before, value] = [1, x];
  for (let k = 2; k <= n; k++) {
    [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  }
  return [value, (n * (x * value - before)) / (x * x - 1)];
}

export function gaussLegendre(n: number): Quadrature {
  const roots = Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    for (let iteration = 0; iteration < 10; iteration++) {
      const [value, slope] = legendre(n, x);
      x -= value / slope;
    }
    return x;
  }).reverse();
  return {
    nodes: roots.map((x) => (1 + x) / 2),
    weights: roots.map((x) => 1 / ((1 - x * x) * legendre(n, x)[1] ** 2)),
  };
}
