import { expect, test } from 'vitest';
import { barProgress } from '../src/progress/bar.ts';
import { lineProgress } from '../src/progress/lines.ts';
import { Remaining } from '../src/progress/remaining.ts';
import { showDuration, showLoss } from '../src/progress/wording.ts';

/** A stream that keeps what is written. */
function recorder(isTTY: boolean) {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  const stream = { isTTY, columns: 120, rows: 40, write, cursorTo() {}, clearLine() {} };
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => written.join('') };
}

const metrics = (iteration: number) => ({
  iteration,
  loss: 0.0123,
  nfe: { forward: 84, backward: 112 },
  seconds: iteration,
});

test('a bar tells done, left, loss and evaluations a step', async () => {
  const { stream, text } = recorder(true);
  const progress = barProgress(stream, 'fit');
  progress.start(100, 0);
  for (let i = 1; i <= 50; i++) {
    progress.update(metrics(i));
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  progress.stop();
  expect(text()).toContain('fit ████████████░░░░░░░░░░░░ 50/100');
  expect(text()).toContain('s left');
  expect(text()).toContain('loss 0.0123 · 84 + 112 evaluations a step');
});

test('without a terminal: the first line and the last', () => {
  const { stream, text } = recorder(false);
  const progress = lineProgress(stream, 'fit');
  progress.start(3, 0);
  for (const i of [1, 2, 3]) progress.update(metrics(i));
  const lines = text().trim().split('\n');
  expect(lines.length).toBe(2);
  expect(lines[0]).toBe('fit 1/3 · loss 0.0123 · 84 + 112 evaluations a step');
  expect(lines[1]).toContain('fit 3/3');
});

test('time left follows the pace of the last iterations', () => {
  const remaining = new Remaining(200);
  expect(remaining.after(1, 0)).toBeUndefined();
  for (let i = 2; i <= 50; i++) remaining.after(i, (i - 1) * 10);
  for (let i = 51; i < 100; i++) remaining.after(i, 490 + (i - 50) * 1000);
  expect(remaining.after(100, 490 + 50_000)).toBeCloseTo(100, 0);
});

test('figures in words', () => {
  expect([0.4, 5, 65, 3700].map(showDuration)).toEqual([
    '< 1 s',
    '5 s',
    '1 min 05 s',
    '1 h 01 min',
  ]);
  expect([12.345, 0.00001234].map(showLoss)).toEqual(['12.3', '1.23e-5']);
});
