/**
 * A function of the state, at every row of stacked times and states.
 */
import { flatten, scan, type Tensor } from '@neuralode/tensor';

/** What to keep of a state: any tree of tensors. */
export type Save<Y, Saved> = (t: Tensor, y: Y) => Saved;

/** `save` at every row: its leaves [T, …]. Recorded as a loop, so derivatives run through it. */
export function saveRows<Y, Saved>(save: Save<Y, Saved>, times: Tensor, ys: Y): Saved {
  const [, saved] = scan(
    (carry: object, row: { t: Tensor; y: Y }) => [carry, save(row.t, row.y)] as const,
    {},
    { t: times.cast(flatten(ys).tensors[0].dtype), y: ys },
  );
  return saved as Saved;
}
