/** The option that methods of variable order have in common. */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from '../call.ts';
import { requireKnownOptions } from '../option-names.ts';

export interface OrderOptions {
  /** The highest order that is used. */
  readonly maxOrder?: number;
}

/** `maxOrder`, or `highest`; an ArgumentError unless it is a whole number from 1 to there, and the only option. */
export function maxOrderOf(options: OrderOptions, highest: number, who: string): number {
  requireKnownOptions(options, ['maxOrder'], who);
  const { maxOrder = highest } = options;
  if (Number.isInteger(maxOrder) && maxOrder >= 1 && maxOrder <= highest) {
    return maxOrder;
  }
  throw new ArgumentError({
    what: `${who}: maxOrder must be a whole number from 1 to ${highest}`,
    got: shown(maxOrder),
    remedy: 'Leave it out for the highest',
  });
}
