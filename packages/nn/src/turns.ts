/**
 * Room for the rest of the program: a loop that awaits only results that are ready never returns to the event loop, so
 * no timer, signal, or repaint would get its turn.
 */

/** How long a loop may keep the thread, in milliseconds. A repaint lost is not yet seen. */
const longest = 30;

/** A loop's turns. */
export interface Turns {
  /** Returns at once while the present turn lasts, and otherwise when the next one comes. */
  next(): Promise<void>;
}

export function makeTurns(): Turns {
  let end = performance.now() + longest;
  return {
    async next() {
      if (performance.now() < end) return;
      await nextTurn();
      end = performance.now() + longest;
    },
  };
}

function nextTurn(): Promise<void> {
  // Not setTimeout: browsers stretch that to 4 ms, and to a second in a tab out of sight.
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
