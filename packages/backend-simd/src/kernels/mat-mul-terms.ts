/** What products of every orientation do along the extent that they sum over. */
import type { FunctionWriter } from '../wasm/function-writer.ts';

/** A loop of `total` turns, one or two at a time; `turn` is told which of those beside each other it is. */
export function alongTerms(
  f: FunctionWriter,
  total: number,
  each: number,
  turn: (p: number) => void,
  advance: (count: number) => void,
): void {
  // more turns beside each other, and the engine loads all their operands at once, and runs out of registers
  const beside = total <= 2 ? total : 1;
  const several = (): void => {
    for (let p = 0; p < beside; p++) turn(p * each);
  };
  if (total <= beside) {
    several();
    return;
  }
  f.count(total / beside, 1, () => {
    several();
    advance(beside * each);
  });
}

/** Copies one number of `size` bytes; places are in numbers from the addresses. */
export function copyNumber(
  f: FunctionWriter,
  size: number,
  from: number,
  fromPlace: number,
  to: number,
  toPlace: number,
): void {
  const single = size === 4;
  f.get(to);
  f.get(from);
  f.memory(single ? 0x2a : 0x2b, fromPlace * size);
  f.memory(single ? 0x38 : 0x39, toPlace * size);
}
