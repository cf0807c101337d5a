/** Convolutions and their derivatives as correlations: which pictures, framed by which zeros, meet which filters, and where. */
import {
  type ConvolutionAttrs,
  type ConvolutionFilterAttrs,
  type ConvolutionInputAttrs,
  type FloatDType,
  sizeOf,
} from '@neuralode/tensor';
import { type CorrelationAxis, lastPanelWidth, panelWidth } from '../kernels/correlation.ts';
import { type Framed, framedExtents, isFramed } from '../kernels/picture-frame.ts';
import { windowExtent } from '../kernels/winograd-transforms.ts';
import type { NodeCode, NodeWriter } from './emit-node.ts';
import { emitWinograd, emitWinogradFilter, movesByPixels, tiledPictures } from './emit-winograd.ts';
import type { MemoryBlock } from './memory-block.ts';

type Pair = readonly [rows: number, columns: number];

/** One axis of a correlation, and which elements of the filters are met: the first, and how many from each to the next. */
interface Meeting extends CorrelationAxis {
  readonly first: number;
  readonly step: number;
}

type Meetings = readonly [Meeting, Meeting];

const elementsOf = ({ elements }: Meeting): number => elements;

/** Filters as a correlation reads them: of the strides of their array, those along channels summed over and results. */
interface Filters {
  readonly block: MemoryBlock;
  readonly channels: number;
  readonly outputs: number;
  readonly channelStride: number;
  readonly outputStride: number;
}

const bothAxes = <T>(make: (axis: 0 | 1) => T): readonly [T, T] => [make(0), make(1)];

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b);

/** Scratch of zeros for pictures in their frame, one for each part. */
function frameOf(code: NodeCode, framed: Framed, parts: number): MemoryBlock[] {
  if (!isFramed(framed)) return [];
  const scratch = code.scratch({
    shape: [parts, ...framedExtents(framed), framed.channels],
    dtype: framed.dtype,
  });
  code.fill(scratch, 0);
  return [scratch];
}

/** Filters put side by side, as many as a tile is wide: [panel, rows, columns, channels, filters of the panel]. */
function panelsOf(
  code: NodeCode,
  { block, channels, outputs, channelStride, outputStride }: Filters,
  meetings: Meetings,
): MemoryBlock {
  const dtype = block.dtype as FloatDType;
  const extents = meetings.map(elementsOf);
  const terms = sizeOf(extents) * channels;
  const width = panelWidth(dtype);
  const [whole, rest] = [Math.floor(outputs / width), outputs % width];
  const lastWidth = lastPanelWidth(dtype, outputs);
  const panels = code.scratch({ shape: [terms * (whole * width + lastWidth)], dtype });
  if (lastWidth > rest) code.fill(panels, 0);
  const [, columns] = block.shape;
  const each = sizeOf(block.shape.slice(2));
  const steps = [meetings[0].step * columns * each, meetings[1].step * each, channelStride];
  const start = (meetings[0].first * columns + meetings[1].first) * each;
  const copy = (count: number, filters: number, beside: number, panel: number): void => {
    const own = [extents[1] * channels * beside, channels * beside, beside, 1];
    code.call(
      {
        kind: 'copy',
        dtype,
        shape: [count, ...extents, channels, filters],
        fromStrides: [width * outputStride, ...steps, outputStride],
        toStrides: [terms * beside, ...own],
        fromStart: start + panel * width * outputStride,
        toStart: panel * terms * width,
      },
      block,
      panels,
    );
  };
  if (whole > 0) copy(whole, width, width, 0);
  if (rest > 0) copy(1, rest, lastWidth, whole);
  return panels;
}

function correlate(
  code: NodeCode,
  from: MemoryBlock,
  filters: Filters,
  meetings: Meetings,
  frame: Framed['frame'],
  out: MemoryBlock,
): void {
  const [batch, rows, columns, channels] = from.shape;
  const parts = code.partsOf(
    batch,
    2 * sizeOf(out.shape) * sizeOf(meetings.map(elementsOf)) * channels,
  );
  const framed: Framed = {
    dtype: from.dtype as FloatDType,
    batch: batch / parts,
    picture: [rows, columns],
    channels,
    frame,
  };
  const axes = bothAxes((axis): CorrelationAxis => {
    const { first: _, step: __, ...own } = meetings[axis];
    return own;
  });
  const [, height, width] = out.shape;
  const result: Pair = [height, width];
  const panels = panelsOf(code, filters, meetings);
  const { outputs } = filters;
  const places: Pair = [axes[0].places, axes[1].places];
  const tiled = axes.every(movesByPixels) ? tiledPictures(framed, places, outputs) : undefined;
  if (tiled !== undefined) {
    emitWinograd(code, parts, tiled, { from, panels, out }, outputs);
    return;
  }
  code.callParts(
    parts,
    { kind: 'correlation', ...framed, outputs, result, axes },
    from,
    { whole: panels },
    out,
    ...frameOf(code, framed, parts),
  );
}

const conv2d: NodeWriter = (code, { attrs }, [x, w], out) => {
  const { strides, padding, dilations } = attrs as ConvolutionAttrs;
  const [, , channels, outputs] = w.shape;
  const meetings = bothAxes((axis) => ({
    places: out.shape[1 + axis],
    to: 0,
    toStep: 1,
    from: 0,
    fromStep: strides[axis],
    elements: w.shape[axis],
    spacing: dilations[axis],
    first: 0,
    step: 1,
  }));
  const filters = { block: w, channels, outputs, channelStride: outputs, outputStride: 1 };
  correlate(code, x, filters, meetings, padding, out);
};

/**
 * Along one axis, for pixels `phase`, `phase` + stride, …: which weights meet them by which elements of the window, where
 * place · stride + element · dilation − before = pixel. Undefined where no element does.
 */
function phaseOf(
  phase: number,
  pixels: number,
  window: number,
  stride: number,
  dilation: number,
  before: number,
): Meeting | undefined {
  const elements = Array.from({ length: window }, (_, i) => i).filter(
    (i) => (phase + before - i * dilation) % stride === 0,
  );
  const last = elements.at(-1);
  if (last === undefined) return undefined;
  const common = greatestCommonDivisor(stride, dilation);
  return {
    places: Math.ceil((pixels - phase) / stride),
    to: phase,
    toStep: stride,
    // the last element of the window meets the first of the places
    from: (phase + before - last * dilation) / stride,
    fromStep: 1,
    elements: elements.length,
    spacing: dilation / common,
    first: last,
    step: -stride / common,
  };
}

const conv2dInput: NodeWriter = (code, { attrs }, [dy, w], out) => {
  const { strides, padding, dilations } = attrs as ConvolutionInputAttrs;
  const [, , outputs, channels] = w.shape;
  const phases = bothAxes((axis) =>
    Array.from({ length: Math.min(strides[axis], out.shape[1 + axis]) }, (_, phase) =>
      phaseOf(
        phase,
        out.shape[1 + axis],
        w.shape[axis],
        strides[axis],
        dilations[axis],
        padding[axis][0],
      ),
    ),
  );
  if (phases.flat().includes(undefined)) code.fill(out, 0);
  const met = bothAxes((axis) => phases[axis].filter((phase) => phase !== undefined));
  const frame = bothAxes((axis): Pair => {
    const reach = met[axis].map((phase) => {
      const { from, places, elements, spacing } = phase;
      return from + places - 1 + (elements - 1) * spacing;
    });
    const first = Math.min(...met[axis].map(({ from }) => from));
    return [Math.max(0, -first), Math.max(0, Math.max(...reach) + 1 - dy.shape[1 + axis])];
  });
  const filters = { block: w, channels, outputs, channelStride: 1, outputStride: channels };
  const inFrame = (phase: Meeting, axis: 0 | 1): Meeting => ({
    ...phase,
    from: phase.from + frame[axis][0],
  });
  for (const down of met[0]) {
    for (const across of met[1]) {
      correlate(code, dy, filters, [inFrame(down, 0), inFrame(across, 1)], frame, out);
    }
  }
};

const conv2dFilter: NodeWriter = (code, { attrs }, [x, dy], out) => {
  const { strides, padding, dilations, window } = attrs as ConvolutionFilterAttrs;
  const [batch, rows, columns, channels] = x.shape;
  const [, height, width, outputs] = dy.shape;
  const parts = code.partsOf(batch, 2 * sizeOf(dy.shape) * sizeOf(window) * channels);
  const framed: Framed = {
    dtype: x.dtype as FloatDType,
    batch: batch / parts,
    picture: [rows, columns],
    channels,
    frame: padding,
  };
  const places: Pair = [height, width];
  // each part has sums of its own, which are added up at the end
  const to = parts === 1 ? out : code.scratch({ shape: [parts, ...out.shape], dtype: out.dtype });
  const once = [...strides, ...dilations].every((step) => step === 1);
  const isSquare = window.every((extent) => extent === windowExtent);
  const tiled = once && isSquare ? tiledPictures(framed, places, outputs) : undefined;
  if (tiled !== undefined) emitWinogradFilter(code, parts, tiled, { x, dy, out: to }, places);
  else {
    code.fill(to, 0);
    code.callParts(
      parts,
      { kind: 'correlationFilter', ...framed, outputs, places, strides, window, dilations },
      x,
      dy,
      to,
      ...frameOf(code, framed, parts),
    );
  }
  if (parts > 1) code.addParts(to, out);
};

export const convolutionWriters: Readonly<Record<string, NodeWriter>> = {
  conv2d,
  conv2dInput,
  conv2dFilter,
};
