/**
 * Convolutions by TensorFlow's own kernels, derivatives too (cuDNN's on a card). They know no padding but none and 'same',
 * so pictures are padded first; and no derivative of a dilated window off a card, which is a forward convolution then.
 */
import {
  convolutions,
  type Kernel,
  type KernelTable,
  padAndConvolve,
  padOrCut,
} from '@neuralode/backend-tfjs';
import type {
  ConvolutionAttrs,
  ConvolutionFilterAttrs,
  ConvolutionInputAttrs,
} from '@neuralode/tensor';

const forward = convolutions(padAndConvolve);

const isDilated = ({ dilations }: ConvolutionAttrs): boolean =>
  dilations.some((dilation) => dilation > 1);

const valid = { pad: 'valid', dataFormat: 'NHWC' };

const conv2dInput: Kernel<ConvolutionInputAttrs> = (bench, [dy, filter], attrs, result) => {
  const { strides, padding, picture } = attrs;
  if (isDilated(attrs)) return forward.conv2dInput(bench, [dy, filter], attrs, result);
  const [rows, columns] = picture.map((extent, i) => extent + padding[i][0] + padding[i][1]);
  const inputShape = [result.shape[0], rows, columns, result.shape[3]];
  const padded = bench.call(
    'Conv2DBackpropInput',
    { dy, filter },
    { ...valid, strides, inputShape },
  );
  const [[top, bottom], [left, right]] = padding;
  return padOrCut(bench, padded, [
    [-top, -bottom],
    [-left, -right],
  ]);
};

const conv2dFilter: Kernel<ConvolutionFilterAttrs> = (bench, [x, dy], attrs, result) => {
  if (isDilated(attrs)) return forward.conv2dFilter(bench, [x, dy], attrs, result);
  return bench.call(
    'Conv2DBackpropFilter',
    { x: padOrCut(bench, x, attrs.padding), dy },
    { ...valid, strides: attrs.strides, filterShape: result.shape },
  );
};

export const convolution: KernelTable = { conv2d: forward.conv2d, conv2dInput, conv2dFilter };
