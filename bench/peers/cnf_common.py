"""What the two peers of the planar flow share: the problem file and its constants.

The flow is that of the paper's section 4 with a closed-form trace. A hypernetwork 1 -> 32 -> 32 ->
3*64*2 + 64 of tanh reads t and gives w [2, 64], u [64, 2], the gates' arguments [64, 2] and b [64],
in this order; with g = sigmoid of the gates' arguments and h = tanh(z w + b),

    dz/dt = h (u g) / 64,        d logdet/dt = (1 - h^2) . sum_d(w_dn u_nd g_nd) / 64.

The loss is the mean of -log p over the batch, solved from t = 10 (the data) to t = 0 (a standard
normal); Adam minimises it. The problem file:

    { "layers": [{ "weight": [in][out], "bias": [out] }, ...], "x": [512][2], "tolerance": 1e-5,
      "end": 10, "learningRate": 1e-3, "batches": [0], "warmup": W, "iterations": N }
"""

from problem_file import load_fields

DIMENSION = 2
WIDTH = 64
BLOCK = DIMENSION * WIDTH
FIELDS = ("layers", "x", "tolerance", "end", "learningRate", "batches", "warmup", "iterations")


def load_problem(path):
    """Read the problem file; a wrong one ends the program with a sentence and code 2."""
    return load_fields(path, FIELDS)
