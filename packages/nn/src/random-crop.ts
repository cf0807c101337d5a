/** Random crops: pictures moved by a few pixels, so that a network does not learn where things lie. */
import { ArgumentError, type Random, sizeOf } from '@neuralode/tensor';

/** Numbers of pictures on the host, row by row: [batch, height, width, channels]. */
export interface HostPictures {
  readonly data: Float32Array;
  readonly shape: readonly [number, number, number, number];
}

/**
 * Surrounds each picture by `padding` pixels of 0 on every side and cuts the old size out again, at a place drawn
 * uniformly for each: torchvision's `RandomCrop(size, padding)`.
 */
export function randomCrop(pictures: HostPictures, padding: number, rng: Random): HostPictures {
  const { data, shape } = pictures;
  if (!Number.isSafeInteger(padding) || padding < 0 || data.length !== sizeOf(shape)) {
    throw new ArgumentError({
      what: 'randomCrop: padding or size of the pictures',
      got: `padding ${padding}, ${data.length} values of shape [${shape.join(', ')}]`,
      expected: 'a whole padding ≥ 0, and a value for each pixel and channel',
    });
  }
  const [count, height, width, channels] = shape;
  const cropped = new Float32Array(data.length);
  for (let n = 0; n < count; n++) {
    const down = rng.integer(0, 2 * padding) - padding;
    const right = rng.integer(0, 2 * padding) - padding;
    const from = Math.max(0, right);
    const to = Math.min(width, width + right);
    for (let y = Math.max(0, -down); y < Math.min(height, height - down); y++) {
      const source = ((n * height + y + down) * width + from) * channels;
      const target = ((n * height + y) * width + from - right) * channels;
      if (to > from) cropped.set(data.subarray(source, source + (to - from) * channels), target);
    }
  }
  return { data: cropped, shape };
}
