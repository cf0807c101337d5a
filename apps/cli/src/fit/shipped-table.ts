/** The table that comes along: pelts of lynx and hare counted by the Hudson's Bay Company, 1900 to 1920. */
import { basename, extname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const shippedTable = fileURLToPath(
  new URL('../../data/hudson-bay-lynx-hare.csv', import.meta.url),
);

/** The last year that is trained on. */
export const shippedForecastFrom = '1914';

/** A path as short as it can be said from where the person stands. */
export function shownPath(path: string): string {
  const below = relative(process.cwd(), path);
  return below === '' || below.startsWith('..') ? path : below;
}

/** The table's name, fit for a folder's. */
export function subjectOf(path: string): string {
  const name = basename(path, extname(path)).toLowerCase();
  return name
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
}
