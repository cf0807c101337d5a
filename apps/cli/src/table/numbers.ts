/** Numbers as tables write them. */

const pointNumber = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;
const commaNumber = /^[-+]?(?:\d+,?\d*|,\d+)(?:e[-+]?\d+)?$/i;

/** A finite number, or undefined; `decimalComma` reads `3,14`. */
export function parseNumber(cell: string, decimalComma: boolean): number | undefined {
  if (pointNumber.test(cell)) return finite(Number(cell));
  if (decimalComma && commaNumber.test(cell)) return finite(Number(cell.replace(',', '.')));
  return undefined;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** Whether the cells of a table that is not separated by commas write a decimal comma. */
export function usesDecimalComma(delimiter: string, cells: Iterable<string>): boolean {
  if (delimiter === ',') return false;
  for (const cell of cells) {
    if (cell.includes(',') && commaNumber.test(cell)) return true;
  }
  return false;
}
