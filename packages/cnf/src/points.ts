/** Checks of what a caller hands to a flow. */
import {
  ArgumentError,
  bufferOf,
  DTypeError,
  type HostArray,
  isFloat,
  RecordingError,
  type Run,
  ShapeError,
  showShape,
  Tensor,
} from '@neuralode/tensor';

/** Throws unless `points` is a batch of floating-point points. */
export function requirePoints(points: Tensor, dimension: number, who: string): void {
  if (!(points instanceof Tensor) || points.rank !== 2 || points.shape[1] !== dimension) {
    throw new ShapeError({
      what: `${who}: the points are not of the flow's dimension`,
      got: points instanceof Tensor ? showShape(points.shape) : typeof points,
      expected: `a tensor [batch, ${dimension}]`,
    });
  }
  if (isFloat(points.dtype)) return;
  throw new DTypeError({
    what: `${who}: points are floating-point numbers`,
    got: points.dtype,
    remedy: "Convert with .cast('float32')",
  });
}

/** Reads points and throws at the first that is not finite. Only where nothing is recorded. */
export function* requireFinitePoints(points: Tensor, who: string): Run<void> {
  const buffer = bufferOf(points).retain();
  let values: HostArray;
  try {
    values = yield buffer;
  } finally {
    buffer.release();
  }
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const [row, column] = [Math.floor(at / points.shape[1]), at % points.shape[1]];
  throw new ArgumentError({
    what: `${who}: the data hold a value that is not finite`,
    got: `${values[at]} in row ${row}, column ${column}`,
    expected: 'finite numbers',
    remedy: 'Drop or fill such rows first',
  });
}

/** A context has one row for each point. */
export function requireContext(context: Tensor | undefined, rows: number, who: string): void {
  if (context === undefined || context.shape[0] === rows) return;
  throw new ShapeError({
    what: `${who}: a context without one row for each point`,
    got: showShape(context.shape),
    expected: `[${rows}, …]`,
  });
}

export function requireCount(count: number, who: string): void {
  if (Number.isSafeInteger(count) && count > 0) return;
  throw new ArgumentError({
    what: `${who}: number of points`,
    got: String(count),
    expected: 'a positive integer',
  });
}

/** What a recording draws would be drawn once and repeated ever after. */
export function refuseInRecording(who: string): never {
  throw new RecordingError({
    what: `${who}: draws random numbers, which a recorded function would draw only once`,
    remedy: 'Draw flow.base.sample(rng, count) outside, and call flow.transform inside',
  });
}
