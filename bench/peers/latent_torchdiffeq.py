"""Train the latent ODE with torchdiffeq on the CPU, and print figures as JSON.

Two entries: gradient "direct" (`odeint`, autograd through the solver's own operations) and
"backsolve" (`odeint_adjoint` with its default norm and the forward tolerances). dopri5, float32.
With "direct" nfeBackward is 0: autograd goes back over stored values.

    python latent_torchdiffeq.py PROBLEM.json [--threads N]
"""

import math

from cpu_torch import torch
from latent_common import HIDDEN, LATENT, load_problem
from torch import nn
from torch.nn import functional
from torchdiffeq_peer import ODEINT, main, train


def linear(layer):
    inputs, outputs = len(layer["weight"]), len(layer["bias"])
    made = nn.Linear(inputs, outputs)
    with torch.no_grad():
        # nn.Linear stores its weight as [out, in]; the problem file has [in, out].
        made.weight.copy_(torch.tensor(layer["weight"]).T)
        made.bias.copy_(torch.tensor(layer["bias"]))
    return made


class Field(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(linear(layer) for layer in layers)
        self.evaluations = 0

    def forward(self, t, z):
        self.evaluations += 1
        first, second, third = self.layers
        return third(functional.elu(second(functional.elu(first(z)))))


class Model(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.cell, self.readout = linear(layers[0]), linear(layers[1])
        self.field = Field(layers[2:5])
        self.first, self.second = linear(layers[5]), linear(layers[6])

    def encode(self, series):
        h = torch.zeros(series.shape[1], HIDDEN)
        for x in series.flip(0):
            h = torch.tanh(self.cell(torch.cat((x, h), dim=1)))
        both = self.readout(h)
        return both[:, :LATENT], both[:, LATENT:]

    def decode(self, path):
        return self.second(torch.relu(self.first(path)))


def run(problem, gradient):
    odeint = ODEINT[gradient]
    series, times = torch.tensor(problem["series"]), torch.tensor(problem["times"])
    deviation = problem["noiseDeviation"]
    model = Model(problem["layers"])
    optimiser = torch.optim.Adam(model.parameters(), lr=problem["learningRate"])
    constant = len(times) * 2 * (math.log(deviation) + 0.5 * math.log(2 * math.pi))

    def loss(noise):
        mean, log_variance = model.encode(series)
        z0 = mean + torch.exp(0.5 * log_variance) * torch.tensor(noise)
        path = odeint(
            model.field, z0, times, rtol=problem["rtol"], atol=problem["atol"], method="dopri5"
        )
        count = series.shape[1]
        misfit = ((series - model.decode(path)) ** 2).sum() / (2 * deviation**2 * count)
        divergence = (mean**2 + log_variance.exp() - log_variance - 1).sum() / (2 * count)
        return misfit + constant + divergence

    return train(problem, model.field, optimiser, loss)


if __name__ == "__main__":
    main(__doc__, load_problem, run)
