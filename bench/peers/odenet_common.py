"""What the two peers of the ODE-Net share: the problem file, and its network as the authors' public example has it.

Downsampling: a 3 x 3 convolution, and twice group norm, relu and a 4 x 4 convolution of stride 2. Block: dh/dt = f(t, h)
from 0 to 1 with f = norm, relu, convolution, norm, relu, convolution, norm, in which the time is a first channel of what
each convolution reads. Head: norm, relu, mean over the pixels, a dense layer. The loss is the cross-entropy; SGD with
momentum minimises it. 32 groups. The problem file:

    { "params": { path: numbers, ... },      the parameters by their path in the network's tree, for example
                                             "downsampling.convolutions[0].weight"; convolutions are [kernel][kernel]
                                             [inputs][outputs], the dense layer's weight [inputs][outputs]
      "pictures": [batch][28][28][1], "labels": [batch], "tolerance": 1e-3,
      "learningRate": 0.01, "momentum": 0.9, "batches": [0], "warmup": W, "iterations": N }
"""

from problem_file import load_fields

GROUPS = 32
EPSILON = 1e-5
FIELDS = ("params", "pictures", "labels", "tolerance", "learningRate", "momentum")
FIELDS += ("batches", "warmup", "iterations")


def load_problem(path):
    """Read the problem file; a wrong one ends the program with a sentence and code 2."""
    return load_fields(path, FIELDS)
