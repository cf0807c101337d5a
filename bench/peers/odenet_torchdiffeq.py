"""Train the ODE-Net with torchdiffeq on the CPU, and print figures as JSON.

Two entries: gradient "direct" (`odeint`, autograd through the solver's own operations) and
"backsolve" (`odeint_adjoint` with its default norm). dopri5, rtol and atol of the problem, float32,
pictures in torch's layout. With "direct" nfeBackward is 0: autograd goes back over stored values.

    python odenet_torchdiffeq.py PROBLEM.json [--threads N]
"""

import os

# Read when torch is loaded. Operations take milliseconds here, and threads that wait for each other by spinning took the
# cores from each other beside other work: two were up to ten times as slow as one. With one thread nothing changes.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from cpu_torch import torch
from odenet_common import EPSILON, GROUPS, load_problem
from torch.nn import functional as F
from torchdiffeq_peer import ODEINT, main, train


class Network(torch.nn.Module):
    """The parameters by their paths, and the field of the block as `forward`, with a counter."""

    def __init__(self, problem):
        super().__init__()
        self.named = {path: self.parameter(values) for path, values in problem["params"].items()}
        self.all = torch.nn.ParameterList(self.named.values())
        self.evaluations = 0

    @staticmethod
    def parameter(values):
        value = torch.tensor(values, dtype=torch.float32)
        if value.dim() == 4:  # torch's filters are [outputs, inputs, kernel, kernel]
            value = value.permute(3, 2, 0, 1).contiguous()
        return torch.nn.Parameter(value)

    def convolution(self, path, x, **settings):
        return F.conv2d(x, self.named[f"{path}.weight"], self.named[f"{path}.bias"], **settings)

    def norm(self, path, x):
        scale, shift = self.named[f"{path}.scale"], self.named[f"{path}.shift"]
        return F.group_norm(x, GROUPS, scale, shift, EPSILON)

    def downsample(self, x):
        x = self.convolution("downsampling.convolutions[0]", x)
        for i in (0, 1):
            x = self.norm(f"downsampling.norms[{i}]", x).relu()
            x = self.convolution(f"downsampling.convolutions[{i + 1}]", x, stride=2, padding=1)
        return x

    def forward(self, t, h):
        self.evaluations += 1
        for i in (0, 1):
            h = self.norm(f"middle.norms[{i}]", h).relu()
            with_time = torch.cat([torch.ones_like(h[:, :1]) * t, h], 1)
            h = self.convolution(f"middle.convolutions[{i}]", with_time, padding=1)
        return self.norm("middle.norms[2]", h)

    def scores(self, h):
        mean = self.norm("head.norm", h).relu().mean((2, 3))
        return mean @ self.named["head.scores.weight"] + self.named["head.scores.bias"]


def run(problem, gradient):
    odeint = ODEINT[gradient]
    network = Network(problem)
    settings = {"rtol": problem["tolerance"], "atol": problem["tolerance"], "method": "dopri5"}
    if gradient == "backsolve":
        inside = (p for path, p in network.named.items() if path.startswith("middle."))
        settings["adjoint_params"] = tuple(inside)
    pictures = torch.tensor(problem["pictures"]).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor(problem["labels"])
    times = torch.tensor([0.0, 1.0])
    rate, momentum = problem["learningRate"], problem["momentum"]
    optimiser = torch.optim.SGD(network.parameters(), lr=rate, momentum=momentum)

    def loss(_):
        start = network.downsample(pictures)
        end = odeint(network, start, times, **settings)[-1]
        return F.cross_entropy(network.scores(end), labels)

    return train(problem, network, optimiser, loss, norm="timed")


if __name__ == "__main__":
    main(__doc__, load_problem, run)
