/**
 * One-step methods of any order, with which multistep methods begin: Gauss's collocation, iterated a fixed number of
 * times from y + θ h f(t, y) (Picard's iteration; Hairer, Nørsett, Wanner I, section II.7). Each sweep over the nodes
 * raises the order by one. That makes them explicit Runge-Kutta methods of many stages.
 */
import { lagrangeWeights } from '../implicit/lagrange.ts';
import { collocationInterpolant } from '../methods/collocation.ts';
import type { Tableau } from '../tableau.ts';

/** Legendre's polynomial of degree n on [−1, 1] and its derivative. */
function legendre(n: number, x: number): { value: number; slope: number } {
  let [before, value] = [1, x];
  for (let k = 2; k <= n; k++) {
    [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  }
  return { value, slope: (n * (before - x * value)) / (1 - x * x) };
}

/**
 * Gauss's rule on [0, 1]: nodes by Newton's iteration from an asymptotic formula (Abramowitz, Stegun, 22.16.6), weights
 * 1/((1 − x²) P′(x)²) (25.4.29, for the interval [0, 1]).
 */
export function gaussRule(n: number): { nodes: number[]; weights: number[] } {
  const points = Array.from({ length: n }, (_, i) => {
    let x = -Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    for (let turn = 0; turn < 8; turn++) {
      const { value, slope } = legendre(n, x);
      x -= value / slope;
    }
    return { node: (x + 1) / 2, weight: 1 / ((1 - x * x) * legendre(n, x).slope ** 2) };
  });
  return { nodes: points.map(({ node }) => node), weights: points.map(({ weight }) => weight) };
}

/** ∫₀^θ ℓᵢ for each node, by the rule itself: in powers of θ, rounding would grow with their number. */
function integrals({ nodes, weights }: ReturnType<typeof gaussRule>, theta: number): number[] {
  const parts = nodes.map((node) => lagrangeWeights(nodes, theta * node));
  return nodes.map((_, i) =>
    weights.reduce((sum, weight, q) => sum + theta * weight * parts[q][i], 0),
  );
}

/**
 * An explicit method of this order (1–12), its first stage that of the step before: `order` − 1 sweeps over so many Gauss
 * nodes that their rule has the order, and, with both ends, the dense output too.
 */
export function picardTableau(order: number): Tableau {
  const rule = gaussRule(order === 1 ? 0 : Math.max(Math.ceil(order / 2), order - 2));
  const { nodes } = rule;
  const inner = nodes.length;
  const a: number[][] = [[]];
  const c = [0];
  for (let sweep = 1; sweep < order; sweep++) {
    const earlier = 1 + (sweep - 2) * inner;
    for (const node of nodes) {
      c.push(node);
      if (sweep === 1) a.push([node]);
      else a.push([...new Array<number>(earlier).fill(0), ...integrals(rule, node)]);
    }
  }
  const last = c.length - inner;
  const b = order === 1 ? [1] : [...new Array<number>(last).fill(0), ...integrals(rule, 1)];
  const known = order === 1 ? [0] : [0, ...nodes, 1];
  const places = order === 1 ? [0] : [0, ...nodes.map((_, i) => last + i), c.length];
  const rows = collocationInterpolant(known);
  const zero = new Array<number>(known.length).fill(0);
  return {
    name: `picard${order}`,
    order,
    c: [...c, 1],
    a: [...a.map((row, i) => [...row, ...new Array<number>(i - row.length).fill(0)]), b],
    b: [...b, 0],
    fsal: true,
    interpolant: [...c, 1].map((_, i) => (places.includes(i) ? rows[places.indexOf(i)] : zero)),
    interpolantOrder: order,
  };
}
