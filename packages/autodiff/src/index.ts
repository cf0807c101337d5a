/** The public names of @neuralode/autodiff. */
export { clean } from './clean.ts';
export { cleanFunction, cleanRecording } from './evaluate.ts';
export {
  grad,
  hvp,
  jvp,
  type ValueAndGrad,
  type ValueAuxAndGrad,
  valueAndGrad,
  vjp,
} from './grad.ts';
export { jit } from './jit.ts';
export { LoweredSplit } from './lowered-split.ts';
export {
  inferPullback,
  type PullbackAttrs,
  pullbackRule,
  runTaped,
  spread,
  tapedRule,
} from './pullback-rule.ts';
export { sumOf } from './rule.ts';
export { type SplitGraph, split } from './split.ts';
export { pullBack, pushForward } from './transform.ts';
