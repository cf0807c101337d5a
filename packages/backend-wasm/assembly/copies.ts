/**
 * Copies: rows of a block, where the rows (row stride 0) or the elements in a row (step 0) may be repeated. Addresses,
 * strides and steps are in bytes; elements are of four bytes or of one.
 */

function copy<Element>(
  x: usize,
  row: usize,
  step: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  const bytes = columns * sizeof<Element>();
  for (let r: usize = 0; r < rows; r++) {
    if (step) {
      memory.copy(out, x, bytes);
    } else {
      const value = load<Element>(x);
      for (let i: usize = 0; i < bytes; i += sizeof<Element>()) store<Element>(out + i, value);
    }
    x += row;
    out += bytes;
  }
}

export function copyRows(
  x: usize,
  row: usize,
  step: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  copy<u32>(x, row, step, out, rows, columns);
}

export function copyByteRows(
  x: usize,
  row: usize,
  step: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  copy<u8>(x, row, step, out, rows, columns);
}
