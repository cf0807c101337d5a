/** What methods of variable order have in common: a step as it is planned, and its kind, which goes with the order. */
import type { PlannedStep, StepKind } from '../method.ts';
import { lazily } from '../step-graphs.ts';

/** A step as it was planned. */
export interface Trial {
  readonly order: number;
  /** Whether the error of the next order is estimated. */
  readonly raises: boolean;
  readonly planned: PlannedStep;
  /** Of the error at this order on equal steps, over that of the step as it was. */
  readonly equalised: number;
}

/** The kind of a step of this order, which is given so many slopes or values of earlier steps. */
export type KindOf = (order: number, raises: boolean, given: number) => StepKind;

/** Each kind is made at its first use, and shared by all runs. */
export function kindsByOrder(make: KindOf): KindOf {
  const known = lazily((key: string): StepKind => {
    const [order, raises, given] = key.split(',').map(Number);
    return make(order, raises === 1, given);
  });
  return (order, raises, given) => known(`${order},${Number(raises)},${given}`);
}
