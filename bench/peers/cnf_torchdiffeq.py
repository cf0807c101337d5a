"""Train the planar flow with torchdiffeq on the CPU, and print figures as JSON.

Two entries: gradient "direct" (`odeint`, autograd through the solver's own operations) and
"backsolve" (`odeint_adjoint` with its default norm). dopri5, rtol and atol of the problem, float32.
With "direct" nfeBackward is 0: autograd goes back over stored values.

    python cnf_torchdiffeq.py PROBLEM.json [--threads N]
"""

import math

from cnf_common import BLOCK, DIMENSION, WIDTH, load_problem
from cpu_torch import torch
from torch import nn
from torchdiffeq_peer import ODEINT, main, train


class Field(nn.Module):
    def __init__(self, problem):
        super().__init__()
        self.weights = nn.ParameterList(torch.tensor(one["weight"]) for one in problem["layers"])
        self.biases = nn.ParameterList(torch.tensor(one["bias"]) for one in problem["layers"])
        self.evaluations = 0

    def units(self, t):
        x = t.reshape(1, 1)
        *hidden, last = zip(self.weights, self.biases)
        for weight, bias in hidden:
            x = torch.tanh(x @ weight + bias)
        weight, bias = last
        x = (x @ weight + bias).reshape(-1)
        w = x[:BLOCK].reshape(DIMENSION, WIDTH)
        u = x[BLOCK : 2 * BLOCK].reshape(WIDTH, DIMENSION)
        gates = torch.sigmoid(x[2 * BLOCK : 3 * BLOCK].reshape(WIDTH, DIMENSION))
        return w, u * gates / WIDTH, x[3 * BLOCK :]

    def forward(self, t, state):
        self.evaluations += 1
        z, _ = state
        w, u, b = self.units(t)
        h = torch.tanh(z @ w + b)
        divergence = (1 - h * h) @ (w.T * u).sum(1)
        return h @ u, divergence


def run(problem, gradient):
    odeint = ODEINT[gradient]
    x = torch.tensor(problem["x"])
    times = torch.tensor([float(problem["end"]), 0.0])
    tolerance = problem["tolerance"]
    field = Field(problem)
    optimiser = torch.optim.Adam(field.parameters(), lr=problem["learningRate"])

    def loss(_):
        z, log_det = odeint(
            field,
            (x, torch.zeros(len(x))),
            times,
            rtol=tolerance,
            atol=tolerance,
            method="dopri5",
        )
        base = -0.5 * (z[-1] ** 2).sum(1) - math.log(2 * math.pi)
        return -(base + log_det[-1]).mean()

    return train(problem, field, optimiser, loss, norm="timed")


if __name__ == "__main__":
    main(__doc__, load_problem, run)
