/** What every report says about its run: the loss, the options, and how to do it again. */
import type { IterationMetrics } from '../run/metrics-log.ts';
import type { Markup } from './html.ts';
import { lossChart } from './loss-chart.ts';
import { code, definitionTable, figure, section } from './page.ts';

export interface RunFacts {
  readonly metrics: readonly IterationMetrics[];
  /** Under the loss curve: what the loss is, and why it may jump. */
  readonly lossCaption: string;
  /** Names and values, in the order to show. */
  readonly options: readonly (readonly [string, string])[];
  /** The command line that does this run again. */
  readonly command: string;
}

export function runSections(facts: RunFacts): Markup[] {
  const parts = [
    section('Run', definitionTable(facts.options)),
    section('Do it again', code(facts.command)),
  ];
  if (facts.metrics.length === 0) return parts;
  const loss = figure(lossChart(facts.metrics), facts.lossCaption);
  return [section('Training', loss), ...parts];
}
