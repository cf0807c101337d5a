/**
 * Binary arithmetic on float32 with broadcasting: a block of rows, where an operand may repeat its one row (row stride
 * 0) or, within a row, its one number (step 0). Addresses and strides are in bytes.
 *
 * WebAssembly's min and max give NaN where either operand is NaN; the stock kernels let the other operand hide it.
 */

// an operation is a class without state, so that one generic loop is compiled into one loop per operation
class Add {
  four(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
  one(a: f32, b: f32): f32 {
    return a + b;
  }
}

class Subtract {
  four(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
  one(a: f32, b: f32): f32 {
    return a - b;
  }
}

class Multiply {
  four(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
  one(a: f32, b: f32): f32 {
    return a * b;
  }
}

class Divide {
  four(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
  one(a: f32, b: f32): f32 {
    return a / b;
  }
}

class Maximum {
  four(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
  one(a: f32, b: f32): f32 {
    return max<f32>(a, b);
  }
}

class Minimum {
  four(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
  one(a: f32, b: f32): f32 {
    return min<f32>(a, b);
  }
}

function eachRow<Operation>(
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  bStep: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  const operation = changetype<Operation>(0);
  for (let row: usize = 0; row < rows; row++) {
    let i: usize = 0;
    if (ASC_FEATURE_SIMD) {
      for (; i + 4 <= columns; i += 4) {
        const left = aStep ? v128.load(a + i * 4) : v128.load_splat<f32>(a);
        const right = bStep ? v128.load(b + i * 4) : v128.load_splat<f32>(b);
        v128.store(out + i * 4, operation.four(left, right));
      }
    }
    for (; i < columns; i++) {
      store<f32>(out + i * 4, operation.one(load<f32>(a + i * aStep), load<f32>(b + i * bStep)));
    }
    a += aRow;
    b += bRow;
    out += columns * 4;
  }
}

export function add(
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  bStep: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  eachRow<Add>(a, aRow, aStep, b, bRow, bStep, out, rows, columns);
}

export function sub(
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  bStep: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  eachRow<Subtract>(a, aRow, aStep, b, bRow, bStep, out, rows, columns);
}

export function mul(
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  bStep: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  eachRow<Multiply>(a, aRow, aStep, b, bRow, bStep, out, rows, columns);
}

export function div(
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  bStep: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  eachRow<Divide>(a, aRow, aStep, b, bRow, bStep, out, rows, columns);
}

export function maximum(
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  bStep: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  eachRow<Maximum>(a, aRow, aStep, b, bRow, bStep, out, rows, columns);
}

export function minimum(
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  bStep: usize,
  out: usize,
  rows: usize,
  columns: usize,
): void {
  eachRow<Minimum>(a, aRow, aStep, b, bRow, bStep, out, rows, columns);
}
