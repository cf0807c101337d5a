"""Recurrent cells and optimisers as torch has them, for the tests of the TypeScript package `nn`.

Libraries differ in such things as where a GRU's reset gate acts and where an optimiser adds its
epsilon. The files say in words and formulas what torch does. All in float64.
"""

import numpy as np
from cpu_torch import torch
from reference_files import write
from torch import nn

CELL_CONVENTIONS = {
    "layout": [
        "weight_ih is [gates * hidden][input], weight_hh is [gates * hidden][hidden]",
        "products are x weight_ih^T and h weight_hh^T",
        "inputs are [time][batch][input]",
    ],
    "GRUCell": [
        "rows of the weights and biases: reset r, update z, new n",
        "r = sigmoid(x W_ir^T + b_ir + h W_hr^T + b_hr)",
        "z = sigmoid(x W_iz^T + b_iz + h W_hz^T + b_hz)",
        "n = tanh(x W_in^T + b_in + r * (h W_hn^T + b_hn))",
        "so the reset gate acts after the product, and on its bias too",
        "h' = (1 - z) * n + z * h, so z = 1 keeps the old state",
    ],
    "RNNCell": ["h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh)"],
    "loss": "sum(weights * outputs), outputs the hidden state after each time",
}

OPTIMISERS = {
    "Adam": (
        torch.optim.Adam,
        {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8},
        [
            "m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; both start at 0",
            "x -= lr (m / (1 - b1^n)) / (sqrt(v / (1 - b2^n)) + eps), n counted from 1",
            "so eps is outside the root, after the correction of v",
        ],
    ),
    "AdamW": (
        torch.optim.AdamW,
        {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1},
        ["first x -= lr weight_decay x, then Adam's step; the decay does not enter m and v"],
    ),
    "RMSprop": (
        torch.optim.RMSprop,
        {"lr": 0.03, "alpha": 0.99, "eps": 1e-8},
        [
            "v = alpha v + (1 - alpha) g^2; v starts at 0, with no correction for that",
            "x -= lr g / (sqrt(v) + eps), so eps is outside the root",
        ],
    ),
    "SGD": (
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.9},
        ["buffer = g at the first step, then momentum buffer + g; x -= lr buffer"],
    ),
}


def drawer(seed):
    """Fixed normal numbers with four decimals, so that they read well in the file."""
    random = np.random.default_rng(seed)
    return lambda *shape: torch.tensor(random.normal(0, 0.7, shape).round(4))


def run_cell(cell_class, gates):
    """Three times of one cell, batch 2, input 2, hidden 3: outputs and gradients of everything."""
    times, batch, inputs, hidden = 3, 2, 2, 3
    draw = drawer(25)
    given = {"inputs": draw(times, batch, inputs), "h0": draw(batch, hidden)}
    weights = draw(times, batch, hidden)
    cell = cell_class(inputs, hidden).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.copy_(draw(*parameter.shape))
    for value in given.values():
        value.requires_grad_()

    h, outputs = given["h0"], []
    for x in given["inputs"]:
        h = cell(x, h)
        outputs.append(h)
    outputs = torch.stack(outputs)
    loss = (weights * outputs).sum()
    loss.backward()

    parameters = dict(cell.named_parameters())
    listed = lambda values: {name: value.tolist() for name, value in values.items()}
    return {
        "sizes": {"input": inputs, "hidden": hidden, "gates": gates},
        "parameters": listed(parameters),
        **listed(given),
        "weights": weights.tolist(),
        "outputs": outputs.tolist(),
        "value": loss.item(),
        "gradients": {name: value.grad.tolist() for name, value in {**parameters, **given}.items()},
    }


def run_optimiser(optimiser_class, settings, a, b, start):
    """Five steps on the quadratic: x before the first and after each, and each step's gradient."""
    x = nn.Parameter(start.clone())
    optimiser = optimiser_class([x], **settings)
    xs, gradients = [x.tolist()], []
    for _ in range(5):
        optimiser.zero_grad()
        (x @ a @ x / 2 - b @ x).backward()
        gradients.append(x.grad.tolist())
        optimiser.step()
        xs.append(x.tolist())
    return {"xs": xs, "gradients": gradients}


def write_all():
    cells = {"GRUCell": run_cell(nn.GRUCell, 3), "RNNCell": run_cell(nn.RNNCell, 1)}
    write("nn", "cells", ("numpy", "torch"), {"conventions": CELL_CONVENTIONS, **cells})

    a = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.4]], dtype=torch.float64)
    b = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    start = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64)
    content = {
        "problem": "loss = x A x / 2 - b x, its gradient A x - b; gradients[i] is the one at xs[i]",
        "A": a.tolist(),
        "b": b.tolist(),
    }
    for name, (optimiser_class, settings, convention) in OPTIMISERS.items():
        steps = run_optimiser(optimiser_class, settings, a, b, start)
        content[name] = {"settings": settings, "convention": convention, **steps}
    write("nn", "optimisers", ("torch",), content)
