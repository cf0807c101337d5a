/** How the functions of a flow are called: recorded where something is recorded, else checked, cleaned up and run. */
import { cleanRecording } from '@neuralode/autodiff';
import {
  type DeviceFunction,
  deviceFunction,
  disposeTree,
  type Random,
  type Run,
  runOnTensors,
  type Tensor,
} from '@neuralode/tensor';
import type { Base } from './base.ts';
import type { FlowCall } from './flow-call.ts';
import { refuseInRecording, requireCount, requireFinitePoints } from './points.ts';
import type { Trace } from './traces.ts';

type Check = (points: Tensor, who: string, call: FlowCall) => void;

function* cleanRun<R>(body: () => R): Run<R> {
  const { graph, captures, rebuild } = cleanRecording(body);
  return rebuild(yield* runOnTensors(graph, captures));
}

/** A function of given points; `who` is its name in errors. */
export function ofPoints<P, R>(
  check: Check,
  who: string,
  body: (params: P, points: Tensor, call: FlowCall) => R,
): DeviceFunction<[params: P, points: Tensor, call?: FlowCall], R> {
  const checked = (params: P, points: Tensor, call: FlowCall = {}): R => {
    check(points, who, call);
    return body(params, points, call);
  };
  return deviceFunction(checked, function* run(params, points, call = {}): Run<R> {
    check(points, who, call);
    yield* requireFinitePoints(points, who);
    return yield* cleanRun(() => body(params, points, call));
  });
}

/** A function of points that it draws from the base, and of the noise of `trace`, if any, where none is given. */
export function drawing<P, R>(
  base: Base,
  trace: Trace | undefined,
  who: string,
  body: (params: P, z: Tensor, call: FlowCall) => R,
): DeviceFunction<[params: P, count: number, rng: Random, call?: FlowCall], R> {
  return deviceFunction<[P, number, Random, FlowCall?], R>(
    () => refuseInRecording(who),
    function* run(params, count, rng, call = {}): Run<R> {
      requireCount(count, who);
      const z = base.sample(rng, count);
      const draw = trace === undefined ? undefined : (call.trace ?? trace).noise;
      const noise = call.noise === undefined ? draw?.(rng, z.shape) : undefined;
      try {
        return yield* cleanRun(() => body(params, z, { ...call, ...(noise && { noise }) }));
      } finally {
        disposeTree([z, noise]);
      }
    },
  );
}
