/** How the data were treated, in sentences for the report. */
import type { FitModel } from './fit-model.ts';
import type { Segments } from './segments.ts';
import type { Series } from './series.ts';

const list = new Intl.ListFormat('en');

export function treatment(
  { table, scales }: Series,
  segments: Segments,
  model: FitModel,
): string[] {
  const sentences: string[] = [];
  const logs = table.columns.filter((_, c) => scales[c]!.log);
  if (logs.length > 0) {
    sentences.push(
      `${list.format(logs)} ${logs.length === 1 ? 'was' : 'were'} fitted as logarithms, since the values are positive and the largest is three times the smallest or more.`,
    );
  }
  const missing = table.values.flatMap((row) => [...row]).filter(Number.isNaN).length;
  if (missing > 0)
    sentences.push(`${missing} missing values were left out of the loss and of the figures.`);
  const extra = model.dimensions - model.columns;
  if (extra > 0) {
    sentences.push(
      `The state has ${extra} unobserved ${extra === 1 ? 'dimension' : 'dimensions'} beside ${list.format(table.columns)}.`,
    );
  }
  if (segments.count > 1) {
    sentences.push(
      `For training the series was cut into ${segments.count} segments, each with a learned start and a penalty on the gap to the next; the forecast goes on from the last one.`,
    );
  }
  return sentences;
}
