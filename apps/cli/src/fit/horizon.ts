/**
 * The growing horizon: training begins with the first few observations of each segment and takes in more as it goes on.
 * Fitted at once, a path through several periods falls into the flat minimum of their average.
 */

/** Part of the iterations during which the horizon grows. */
const growing = 0.6;

/** Each size of the horizon is recorded anew, so there are few of them. */
const stages = 12;

const fewest = 8;

/** How many points of the grid the iteration sees. */
export function horizonAt(iteration: number, iterations: number, gridSize: number): number {
  const first = Math.min(gridSize, Math.max(fewest, Math.ceil(gridSize / 8)));
  const stage = Math.min(stages, Math.floor((stages * iteration) / (growing * iterations)));
  return first + Math.round(((gridSize - first) * stage) / stages);
}
