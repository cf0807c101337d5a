/** Numbers and types as WebAssembly's binary format has them (core specification 2.0, section 5.2 and 5.3). */

export const valueTypes = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

export type ValueType = keyof typeof valueTypes;

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left > 127) {
    bytes.push((left % 128) | 128);
    left = Math.floor(left / 128);
  }
  bytes.push(left);
  return bytes;
}

/** Signed LEB128 of an int32. */
export function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (;;) {
    const byte = left & 127;
    left >>= 7;
    const done = (left === 0 && (byte & 64) === 0) || (left === -1 && (byte & 64) !== 0);
    if (done) return [...bytes, byte];
    bytes.push(byte | 128);
  }
}

/** A name: its length and its (ASCII) characters. */
export function text(name: string): number[] {
  return [name.length, ...Array.from(name, (character) => character.charCodeAt(0))];
}
