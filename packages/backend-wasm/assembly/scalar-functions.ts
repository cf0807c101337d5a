/**
 * Functions of one float32, one number at a time, correct to about one unit in the last place everywhere.
 *
 * The stock kernels are far off near zero: log1p takes log(1 + x), sin and cos reduce to a period in float32.
 */

class Sign {
  of(x: f32): f32 {
    return x > 0 ? 1 : x < 0 ? -1 : x;
  }
}

class Log1p {
  of(x: f32): f32 {
    return NativeMathf.log1p(x);
  }
}

class Expm1 {
  of(x: f32): f32 {
    return NativeMathf.expm1(x);
  }
}

class Elu {
  of(x: f32): f32 {
    return x > 0 ? x : NativeMathf.expm1(x);
  }
}

// polynomials for |x| <= pi/4, in float64 (FreeBSD msun, k_sinf.c and k_cosf.c)
function sineNearZero(x: f64): f64 {
  const z = x * x;
  const w = z * z;
  const s = z * x;
  const high = -0.000198393348360966317347 + z * 0.0000027183114939898219064;
  return x + s * (-0.166666666416265235595 + z * 0.0083333293858894631756) + s * w * high;
}

function cosineNearZero(x: f64): f64 {
  const z = x * x;
  const w = z * z;
  const high = -0.00138867637746099294692 + z * 0.0000243904487962774090654;
  return 1.0 + z * -0.49999999725103100312 + w * 0.0416666233237390631894 + w * z * high;
}

/** Where n · (pi/2) is no longer exact in two float64 pieces: beyond, the host's own sine is asked. */
const farAway: f64 = 268435456;

/** Sine of x + quarters · pi/2. */
function sine(x: f64, quarters: i32): f32 {
  const magnitude = abs<f64>(x);
  if (magnitude >= farAway) return <f32>(quarters == 0 ? JSMath.sin(x) : JSMath.cos(x));
  let rest = x;
  let quadrant = quarters;
  if (magnitude > 0.785398163397448) {
    const n = nearest<f64>(x * 0.636619772367581343076);
    // pi/2 in two pieces, the first of 25 bits (msun, e_rem_pio2f.c)
    rest = x - n * 1.5707963109016418457 - n * 1.58932547735281966916e-8;
    quadrant += <i32>n;
  }
  const value = quadrant & 1 ? cosineNearZero(rest) : sineNearZero(rest);
  return <f32>(quadrant & 2 ? -value : value);
}

class Sine {
  of(x: f32): f32 {
    return sine(<f64>x, 0);
  }
}

class Cosine {
  of(x: f32): f32 {
    return sine(<f64>x, 1);
  }
}

function each<Operation>(x: usize, out: usize, count: usize): void {
  const operation = changetype<Operation>(0);
  for (let i: usize = 0; i < count * 4; i += 4) {
    store<f32>(out + i, operation.of(load<f32>(x + i)));
  }
}

export function sign(x: usize, out: usize, count: usize): void {
  each<Sign>(x, out, count);
}

export function log1p(x: usize, out: usize, count: usize): void {
  each<Log1p>(x, out, count);
}

export function expm1(x: usize, out: usize, count: usize): void {
  each<Expm1>(x, out, count);
}

export function elu(x: usize, out: usize, count: usize): void {
  each<Elu>(x, out, count);
}

export function sin(x: usize, out: usize, count: usize): void {
  each<Sine>(x, out, count);
}

export function cos(x: usize, out: usize, count: usize): void {
  each<Cosine>(x, out, count);
}
