"""What the two peers of the latent ODE share: the problem file and its constants.

A recurrent cell reads each series of points of the plane from its last to its first,

    h <- tanh([x, h] w0 + b0),   from h = 0,

and h w1 + b1 gives mean and log variance of the latent state. z0 = mean + exp(logvar / 2) noise is
solved through dz/dt = elu(elu(z w2 + b2) w3 + b3) w4 + b4 to all times and decoded by
relu(z w5 + b5) w6 + b6. The loss is -log N(series; decoded, 0.3) + KL(q || N(0, 1)), summed over
times and dimensions, averaged over the series; Adam minimises it. The problem file:

    { "layers": [{ "weight": [in][out], "bias": [out] }, ... 7], "times": [100],
      "series": [100 times][100 series][2], "batches": [[100 series][4] of noise, ...],
      "rtol": 1e-5, "atol": 1e-6, "learningRate": 0.01, "noiseDeviation": 0.3,
      "warmup": W, "iterations": N }
"""

from problem_file import load_fields

LATENT = 4
HIDDEN = 25
FIELDS = ("layers", "times", "series", "batches", "rtol", "atol")
FIELDS += ("learningRate", "noiseDeviation", "warmup", "iterations")


def load_problem(path):
    """Read the problem file; a wrong one ends the program with a sentence and code 2."""
    return load_fields(path, FIELDS)
