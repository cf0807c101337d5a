/**
 * Small pictures as PNG (W3C, Portable Network Graphics, second edition 2003): one colour whose opacity says the value,
 * so that a picture fits a light page and a dark one.
 */
import { deflateSync } from 'node:zlib';

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Opacities in [0, 1], row by row from the top, as a data address. */
export function pngAddress(
  opacities: ArrayLike<number>,
  width: number,
  height: number,
  [red, green, blue]: Rgb,
): string {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6], 8); // 8 bits a channel, colour with opacity
  const stride = 1 + 4 * width; // each row begins with its filter: none
  const rows = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const opacity = Math.max(0, Math.min(1, opacities[y * width + x]!));
      rows.set([red, green, blue, Math.round(255 * opacity)], y * stride + 1 + 4 * x);
    }
  }
  const file = Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${file.toString('base64')}`;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** The cyclic redundancy check of the standard's annex D; zlib has it from Node 22 on only. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
