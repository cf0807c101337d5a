/**
 * Stacks of layers that know the time, as FFJORD has them (Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud 2019). With
 * c = [t, context], a layer is
 *
 *     ignore         W x + b
 *     concat         W x + b + V c              (a plain layer on [x, t, context])
 *     squash        (W x + b) ∘ σ(G c + g)
 *     concatsquash  (W x + b) ∘ σ(G c + g) + V c
 *
 * and a stack has an activation between the layers, none after the last.
 */
import { type Activation, type DenseParams, dense } from '@neuralode/nn';
import { ArgumentError, concat, ShapeError, showShape, type Tensor, tanh } from '@neuralode/tensor';
import { type FlowField, requireDimension, timeColumn } from './field.ts';

/** How a layer takes time and context in. */
export type TimeLayer = 'ignore' | 'concat' | 'squash' | 'concatsquash';

/** Settings of `layerStack`. */
export interface LayerStackOptions {
  readonly dimension: number;
  /** Widths of the hidden layers. Default [64, 64]. */
  readonly hidden?: readonly number[];
  /** Default `concatsquash`. */
  readonly layer?: TimeLayer;
  /** Default `tanh`: the divergence is differentiated, so it must be smooth. */
  readonly activation?: Activation;
  /** Numbers of context a row, taken in by every layer beside the time. Default 0. */
  readonly context?: number;
}

/** Parameters of one layer. */
export interface TimeLayerParams {
  readonly main: DenseParams;
  /** G and g. */
  readonly gate?: DenseParams;
  /** V. */
  readonly shift?: DenseParams;
}

/** Makes the field; see the head of this file. */
export function layerStack(options: LayerStackOptions): FlowField<readonly TimeLayerParams[]> {
  const { dimension, hidden = [64, 64], layer = 'concatsquash', activation = tanh } = options;
  const { context: contextWidth = 0 } = options;
  requireDimension(dimension, 'layerStack');
  requireKind(layer, contextWidth);
  const widths = [dimension, ...hidden, dimension];
  const gated = layer === 'squash' || layer === 'concatsquash';
  const shifted = layer === 'concat' || layer === 'concatsquash';
  const layers = widths.slice(1).map((width, i) => ({
    main: dense(widths[i], width),
    gate: gated ? dense(1 + contextWidth, width) : undefined,
    shift: shifted ? dense(1 + contextWidth, width, { bias: false }) : undefined,
  }));

  return {
    dimension,
    init: (rng) =>
      layers.map(({ main, gate, shift }) => ({
        main: main.init(rng),
        ...(gate && { gate: gate.init(rng) }),
        ...(shift && { shift: shift.init(rng) }),
      })),
    apply(params, t, z, context) {
      const condition = conditionOf(t, z, context, contextWidth);
      return layers.reduce((x, { main, gate, shift }, i) => {
        let y = main.apply(params[i].main, x);
        if (gate !== undefined) y = y.mul(gate.apply(params[i].gate!, condition).sigmoid());
        if (shift !== undefined) y = y.add(shift.apply(params[i].shift!, condition));
        return i < layers.length - 1 ? activation(y) : y;
      }, z);
    },
  };
}

/** [t, context]: [1, 1] where it is the same for all rows, else [batch, 1 + context]. */
function conditionOf(t: Tensor, z: Tensor, context: Tensor | undefined, width: number): Tensor {
  const time = timeColumn(t);
  const rows = z.shape[0];
  if (width === 0 && context === undefined) return time;
  if (context === undefined || context.rank !== 2 || context.shape[1] !== width) {
    throw new ShapeError({
      what: 'layerStack: the context does not fit the field',
      got: context === undefined ? 'none' : showShape(context.shape),
      expected: width === 0 ? 'none' : showShape([rows, width]),
    });
  }
  return concat([time.broadcastTo([rows, 1]), context], 1);
}

const kinds: readonly TimeLayer[] = ['ignore', 'concat', 'squash', 'concatsquash'];

function requireKind(layer: TimeLayer, contextWidth: number): void {
  if (!kinds.includes(layer)) {
    throw new ArgumentError({
      what: 'layerStack: no such layer',
      got: String(layer),
      expected: kinds.join(', '),
    });
  }
  if (layer !== 'ignore' || contextWidth === 0) return;
  throw new ArgumentError({
    what: "layerStack: layers of the kind 'ignore' take no context",
    got: `context ${contextWidth}`,
    remedy: "Choose 'concat', 'squash' or 'concatsquash'",
  });
}
