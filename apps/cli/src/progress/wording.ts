/** Figures in the words of a progress display. */
import type { IterationMetrics } from '../run/metrics-log.ts';

/** `loss 0.0123 · 98.4 % right · 84 + 112 evaluations a step · 410 a second`, as far as it is known. */
export function describeIteration(metrics: IterationMetrics): string {
  const { loss, nfe, accuracy, testAccuracy, perSecond } = metrics;
  const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
  const evaluations = nfe.backward === 0 ? `${nfe.forward}` : `${nfe.forward} + ${nfe.backward}`;
  const parts = [
    `loss ${showLoss(loss)}`,
    accuracy === undefined ? '' : `${percent(accuracy)} right`,
    testAccuracy === undefined ? '' : `${percent(testAccuracy)} of the test right`,
    `${evaluations} evaluations a step`,
    perSecond === undefined ? '' : `${perSecond} a second`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

export function showLoss(loss: number): string {
  return Math.abs(loss) >= 1e-3 && Math.abs(loss) < 1e4
    ? loss.toPrecision(3)
    : loss.toExponential(2);
}

/** `< 1 s`, `45 s`, `3 min 05 s`, `2 h 10 min`. */
export function showDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole === 0) return '< 1 s';
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
