/** Numbers as a report shows them. */

/** Three significant digits, without exponents where they can be avoided. */
export function showFigure(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(2);
  return String(size >= 1000 ? Math.round(value) : Number(value.toPrecision(3)));
}

export function showCount(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}
