/**
 * Events as a user states them, and the rules that follow.
 */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from '../call.ts';
import type { EventRule } from './search.ts';

/** Something that happens when a condition crosses zero. */
export interface EventOf<Condition, Change> {
  /** Its sign is watched along the solve. */
  readonly when: Condition;
  /** 1: only where it rises through zero along the solve; −1: only where it falls. Default 0: both. */
  readonly direction?: -1 | 0 | 1;
  /** The solve ends there. Default false. */
  readonly terminal?: boolean;
  /** The state from there on, made of that which was reached. */
  readonly change?: Change;
}

/** An event that happened. */
export interface Happening<Y> {
  /** Which event, by its place in the list of events. */
  readonly event: number;
  readonly t: number;
  /** The state that was reached, before any change. */
  readonly y: Y;
}

type AnyEvent = EventOf<unknown, unknown>;

/** Checks and lists the events of a user. */
export function eventsOf<E extends AnyEvent>(
  events: E | readonly E[] | undefined,
  who: string,
): readonly E[] {
  const list = (events === undefined ? [] : Array.isArray(events) ? events : [events]) as E[];
  list.forEach((event, i) => {
    const complain = (what: string, got: unknown): never => {
      throw new ArgumentError({ what: `${who}: event ${i}: ${what}`, got: shown(got) });
    };
    if (typeof event !== 'object' || event === null) {
      complain('an event is an object { when: (t, y) => … }', event);
    }
    const known = ['when', 'direction', 'terminal', 'change'];
    const stranger = Object.keys(event).find((name) => !known.includes(name));
    if (stranger !== undefined) {
      const what = `${who}: event ${i}: there are only ${known.join(', ')}`;
      throw new ArgumentError({ what, got: stranger });
    }
    if (typeof event.when !== 'function') complain('when must be a function', event.when);
    const { direction = 0, change } = event;
    if (![-1, 0, 1].includes(direction)) complain('direction must be 1, -1 or 0', direction);
    if (change !== undefined && typeof change !== 'function') {
      complain('change must be a function', change);
    }
    if (event.terminal && change !== undefined) {
      throw new ArgumentError({
        what: `${who}: event ${i} is terminal, so that its change would change nothing`,
        remedy: 'Leave one of them out; the state that was reached is handed back',
      });
    }
  });
  return list;
}

export function ruleOf({ direction = 0, terminal = false, change }: AnyEvent): EventRule {
  return { direction, terminal, changes: change !== undefined };
}
