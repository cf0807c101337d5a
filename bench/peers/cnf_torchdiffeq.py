"""Train the planar flow with torchdiffeq on the CPU, and print figures as JSON.

Two entries: gradient "direct" (`odeint`, autograd through the solver's own operations) and
"backsolve" (`odeint_adjoint` with its default norm). dopri5, rtol and atol of the problem, float32.
With "direct" nfeBackward is 0: autograd goes back over stored values.

    python cnf_torchdiffeq.py PROBLEM.json [--threads N]
"""

import json
import math
import platform

import cnf_common
import common
from cnf_common import BLOCK, DIMENSION, WIDTH
from cpu_torch import torch
import torchdiffeq
from torch import nn


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


def run(problem, gradient, threads):
    odeint = torchdiffeq.odeint if gradient == "direct" else torchdiffeq.odeint_adjoint
    x = torch.tensor(problem["x"])
    times = torch.tensor([float(problem["end"]), 0.0])
    tolerance = problem["tolerance"]
    field = Field(problem)
    optimiser = torch.optim.Adam(field.parameters(), lr=problem["learningRate"])
    nfe_forward, nfe_backward, norms = [], [], []

    def step(_):
        optimiser.zero_grad()
        before = field.evaluations
        z, log_det = odeint(
            field,
            (x, torch.zeros(len(x))),
            times,
            rtol=tolerance,
            atol=tolerance,
            method="dopri5",
        )
        base = -0.5 * (z[-1] ** 2).sum(1) - math.log(2 * math.pi)
        loss = -(base + log_det[-1]).mean()
        between = field.evaluations
        loss.backward()
        nfe_forward.append(between - before)
        nfe_backward.append(field.evaluations - between)
        everything = torch.cat([p.grad.flatten() for p in field.parameters()])
        norms.append(everything.norm().item())
        optimiser.step()
        return loss.item()

    milliseconds, losses = common.train(problem, step)
    return common.result(
        problem,
        milliseconds,
        losses,
        nfe_forward[problem["warmup"] :],
        nfe_backward[problem["warmup"] :],
        system="torchdiffeq",
        backend="cpu",
        gradient=gradient,
        threads=threads,
        initialGradientNorm=norms[0],
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchdiffeq": torchdiffeq.__version__,
        },
    )


def main():
    given = common.arguments(__doc__)
    problem = cnf_common.load_problem(given.problem)
    torch.set_num_threads(given.threads)
    torch.set_num_interop_threads(1)
    results = [run(problem, gradient, given.threads) for gradient in ("direct", "backsolve")]
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
