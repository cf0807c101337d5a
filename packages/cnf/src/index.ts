/** The public names of @neuralode/cnf. */
export { type Base, gaussianBase, type GaussianBaseOptions } from './base.ts';
export {
  type Cnf,
  cnf,
  type CnfOptions,
  type CnfParts,
  type Mapped,
  type Regularised,
  type Sampled,
} from './cnf.ts';
export type { FlowField, Linearised } from './field.ts';
export type { FlowCall } from './flow-call.ts';
export {
  flowMatching,
  type FlowMatchingBatch,
  flowMatchingBatch,
  type FlowMatchingOptions,
} from './flow-matching.ts';
export {
  layerStack,
  type LayerStackOptions,
  type TimeLayer,
  type TimeLayerParams,
} from './layer-stack.ts';
export {
  type LogDensity,
  negativeLogLikelihood,
  regularisedLogLikelihood,
  type RegulariserWeights,
  reverseKl,
  type Samplable,
  type Scorable,
} from './losses.ts';
export { planarField, type PlanarFieldOptions, type PlanarFieldParams } from './planar-field.ts';
export {
  type PlanarFlow,
  planarFlow,
  type PlanarFlowOptions,
  type PlanarFlowParams,
} from './planar-flow.ts';
export { logIntegral, type PlaneGrid, planeGrid } from './plane.ts';
export { toyData, type ToyDataName, toyDataNames } from './toy-data.ts';
export {
  energyHalfWidth,
  toyEnergy,
  type ToyEnergyName,
  toyEnergyNames,
} from './toy-energies.ts';
export {
  closedForm,
  exact,
  type ExactOptions,
  type FieldAtTime,
  hutchinson,
  type HutchinsonOptions,
  type Noise,
  type Trace,
} from './traces.ts';
