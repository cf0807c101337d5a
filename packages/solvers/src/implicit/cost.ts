/**
 * What a step costs, as far as its method alone says.
 */
import type { Tableau } from '../tableau.ts';

/** Evaluations of the field and of its Jacobian, and matrices factorised. */
export interface StepCost {
  readonly evaluations: number;
  readonly jacobians: number;
  readonly factorisations: number;
}

/** What every attempt at a step costs, besides what iterations report. */
export function fixedCost(tableau: Tableau): StepCost {
  return withoutMatrices(tableau, fixedDenseCost(tableau));
}

/** What the reverse mode of a step costs: where stages were solved for, the exact Jacobian at each of them. */
export function reverseCost(tableau: Tableau): StepCost {
  return withoutMatrices(tableau, reverseDenseCost(tableau));
}

/** GMRES needs neither. */
function withoutMatrices({ implicit }: Tableau, cost: StepCost): StepCost {
  if (implicit?.linearSolver === undefined) return cost;
  return { ...cost, jacobians: 0, factorisations: 0 };
}

function fixedDenseCost({ c, a, fsal, implicit }: Tableau): StepCost {
  const none = { jacobians: 0, factorisations: 0 };
  const first = fsal ? 1 : 0;
  switch (implicit?.kind) {
    case undefined:
      return { ...none, evaluations: c.length - first };
    case 'diagonal': {
      const explicit = a.filter((row, i) => (row[i] ?? 0) === 0).length;
      return { ...none, evaluations: explicit - first };
    }
    case 'coupled':
      if (implicit.startWeight === undefined) return { ...none, evaluations: 0 };
      return { ...none, evaluations: implicit.refined === true ? 2 : 1 };
    case 'rosenbrock':
      return { evaluations: c.length, jacobians: 1, factorisations: 1 };
  }
}

function reverseDenseCost({ c, a, fsal, implicit }: Tableau): StepCost {
  const evaluations = c.length - (fsal ? 1 : 0);
  switch (implicit?.kind) {
    case undefined:
      return { evaluations, jacobians: 0, factorisations: 0 };
    case 'diagonal': {
      const solved = a.filter((row, i) => (row[i] ?? 0) !== 0).length;
      return { evaluations, jacobians: solved, factorisations: solved };
    }
    case 'coupled':
      return { evaluations, jacobians: c.length, factorisations: 1 };
    case 'rosenbrock':
      return { evaluations, jacobians: 1, factorisations: 1 };
  }
}
