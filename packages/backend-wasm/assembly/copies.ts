/**
 * Copies of four-byte elements: rows of a block, where the rows (row stride 0) or the numbers in a row (step 0) may be
 * repeated. Addresses and strides are in bytes.
 */

export function copyRows(
  x: usize,
  row: usize,
  step: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  for (let r: usize = 0; r < rows; r++) {
    if (step == 4) {
      memory.copy(out, x, columns * 4);
    } else {
      const value = load<u32>(x);
      for (let i: usize = 0; i < columns; i++) store<u32>(out + i * 4, value);
    }
    x += row;
    out += columns * 4;
  }
}
