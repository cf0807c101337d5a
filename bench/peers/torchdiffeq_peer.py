"""What the torchdiffeq peers of the training benches share: two gradients, and training by one.

Evaluations are counted by the field itself, those of the forward solve and those made while the
gradient is taken.
"""

import json

import training
from cpu_torch import limit_threads, torch
import torchdiffeq
from problem_file import arguments

ODEINT = {"direct": torchdiffeq.odeint, "backsolve": torchdiffeq.odeint_adjoint}


def main(description, load_problem, run):
    """Print an entry for each gradient, of which `run(problem, gradient)` gives the figures."""
    given = arguments(description)
    problem = load_problem(given.problem)
    limit_threads(given.threads)
    entries = []
    for gradient in ODEINT:
        named = {"system": "torchdiffeq", "backend": "cpu", "gradient": gradient}
        entries.append({**named, "threads": given.threads, **run(problem, gradient)})
    print(json.dumps(entries, indent=2))


def train(problem, field, optimiser, loss, norm=None):
    """Train with the loss of a batch, through a field that counts its `evaluations`.

    `norm` says when the norm of the gradient is read: "timed", by each iteration on the clock;
    "untimed", after the first one; or never.
    """
    nfe_forward, nfe_backward, norms = [], [], []

    def step(batch):
        optimiser.zero_grad()
        before = field.evaluations
        value = loss(batch)
        between = field.evaluations
        value.backward()
        nfe_forward.append(between - before)
        nfe_backward.append(field.evaluations - between)
        if norm == "timed":
            norms.append(gradient_norm(optimiser))
        optimiser.step()
        return value.item()

    def after(i):
        if norm == "untimed" and i == 0:
            # The update leaves .grad alone: this is the gradient at the initial parameters.
            norms.append(gradient_norm(optimiser))

    milliseconds, losses = training.train(problem, step, after)
    warmup = problem["warmup"]
    counts = nfe_forward[warmup:], nfe_backward[warmup:]
    return {
        **({"initialGradientNorm": norms[0]} if norms else {}),
        "versions": training.versions(torch, torchdiffeq),
        **training.figures(problem, milliseconds, losses, *counts),
    }


def gradient_norm(optimiser):
    """That of the gradient by all parameters which the optimiser updates."""
    params = [param for group in optimiser.param_groups for param in group["params"]]
    return torch.cat([param.grad.flatten() for param in params]).norm().item()
