import { test } from 'vitest';
import { readTable } from '../src/table/read-table.ts';
import { prepareSeries } from '../src/fit/series.ts';
import { cutSegments } from '../src/fit/segments.ts';
import { FitModel } from '../src/fit/fit-model.ts';
import { FitTraining } from '../src/fit/fit-training.ts';
import { forecast } from '../src/fit/forecast.ts';
import { errorsOf } from '../src/fit/errors-of-fit.ts';
import { useBackend } from '../src/backend.ts';
import { countTrainingRows } from '../src/fit/split.ts';
test('tune', async () => {
  const cfgs = JSON.parse(process.env.CFG ?? '[{}]');
  for (const cfg of cfgs) {
    const options = { backend: 'wasm', solver: 'dopri5', gradient: 'direct', rtol: 1e-4, atol: 1e-5, epochs: 600, seed: 0, hidden: 32, file: '/work/shared/data/series/hudson-bay-lynx-hare.csv', trainUntil: '1914', ...cfg };
    if (!options.file.includes('hudson')) delete options.trainUntil;
    await useBackend(options.backend);
    const { table } = await readTable(options.file);
    const series = prepareSeries(table, countTrainingRows(table, options));
    const segments = cutSegments(series);
    const model = new FitModel(series, segments, options);
    const training = new FitTraining(model, segments, options, undefined);
    const t0 = performance.now(); let f = 0, b = 0, first = 0, n = 0; let losses = [];
    await training.run(new AbortController().signal, async (it) => { n++; if (n === 1) first = performance.now() - t0; f += it.nfe.forward; b += it.nfe.backward; if (n % Math.floor(options.epochs/6) === 0) losses.push(+it.loss.toFixed(4)); });
    const dt = performance.now() - t0;
    const fc = await forecast(model, training.params, series, segments);
    console.log(JSON.stringify(cfg), 'S', segments.count, 'grid', segments.grid.length, 'sec', (dt/1000).toFixed(1), 'first', first.toFixed(0), 'nfe', (f/n).toFixed(0), (b/n).toFixed(0), losses.join(' '), JSON.stringify(errorsOf(series, fc.rows, table.columns.map((_, i) => i))));
  }
}, 600000);
