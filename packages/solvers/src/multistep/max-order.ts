/** The option that methods of variable order have in common. */
import { ArgumentError } from '@neuralode/tensor';

/** An ArgumentError unless `maxOrder` is a whole number from 1 to `highest`. */
export function requireMaxOrder(maxOrder: unknown, highest: number, who: string): void {
  if (Number.isInteger(maxOrder) && (maxOrder as number) >= 1 && (maxOrder as number) <= highest) {
    return;
  }
  throw new ArgumentError({
    what: `${who}: maxOrder must be a whole number from 1 to ${highest}`,
    got: String(maxOrder),
    remedy: 'Leave it out for the highest',
  });
}
