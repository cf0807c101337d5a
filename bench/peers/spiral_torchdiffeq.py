"""Train the public spiral example with torchdiffeq on the CPU, and print figures as JSON.

Two entries: gradient "direct" (autograd through the solver's own operations, `odeint`) and
"backsolve" (the adjoint equation solved backwards, `odeint_adjoint`, with its default norm and the
forward tolerances). dopri5, rtol 1e-7, atol 1e-9, float32 state (torchdiffeq keeps time steps in
float64), first step chosen by torchdiffeq (Hairer's rule).

Evaluations are counted by the field itself: nfeForward those of the forward solve, nfeBackward
those made while the gradient is taken. With "direct" the latter is 0: autograd goes back over
stored values and evaluates no field.

    python spiral_torchdiffeq.py PROBLEM.json [--threads N]
"""

import json
import platform

import common
from cpu_torch import torch
import torchdiffeq
from torch import nn


class Field(nn.Module):
    """dy/dt = tanh(y^3 w1 + b1) w2 + b2, as the public example writes it, with a counter."""

    def __init__(self, problem):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 2))
        self.evaluations = 0
        with torch.no_grad():
            # nn.Linear stores its weight as [out, in]; the problem file has [in, out].
            self.net[0].weight.copy_(torch.tensor(problem["w1"]).T)
            self.net[0].bias.copy_(torch.tensor(problem["b1"]))
            self.net[2].weight.copy_(torch.tensor(problem["w2"]).T)
            self.net[2].bias.copy_(torch.tensor(problem["b2"]))

    def forward(self, t, y):
        self.evaluations += 1
        return self.net(y**3)


def run(problem, gradient, threads):
    """Train from the problem's initial parameters with one kind of gradient; return its entry."""
    odeint = torchdiffeq.odeint if gradient == "direct" else torchdiffeq.odeint_adjoint
    true_y = torch.tensor(problem["trueY"])
    times = torch.tensor(problem["times"])[: common.BATCH_TIME]
    offsets = torch.arange(common.BATCH_TIME)[:, None]
    field = Field(problem)
    # torch's own defaults otherwise: alpha 0.99, eps 1e-8 added outside the root.
    optimiser = torch.optim.RMSprop(field.parameters(), lr=common.LEARNING_RATE)
    nfe_forward, nfe_backward, gradient_norms = [], [], []

    def step(batch):
        starts = torch.tensor(batch)
        target = true_y[starts + offsets]  # [10 times, 20 curves, 2]
        optimiser.zero_grad()
        before = field.evaluations
        predicted = odeint(
            field, true_y[starts], times, rtol=common.RTOL, atol=common.ATOL, method="dopri5"
        )
        loss = (predicted - target).abs().mean()
        between = field.evaluations
        loss.backward()
        nfe_forward.append(between - before)
        nfe_backward.append(field.evaluations - between)
        optimiser.step()
        return loss.item()

    def after(i):
        if i == 0:
            # The update leaves .grad alone: this is the gradient at the initial parameters.
            everything = torch.cat([p.grad.flatten() for p in field.parameters()])
            gradient_norms.append(everything.norm().item())

    milliseconds, losses = common.train(problem, step, after)
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
        initialGradientNorm=gradient_norms[0],
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchdiffeq": torchdiffeq.__version__,
        },
    )


def main():
    given = common.arguments(__doc__)
    problem = common.load_problem(given.problem)
    torch.set_num_threads(given.threads)
    torch.set_num_interop_threads(1)
    results = [run(problem, gradient, given.threads) for gradient in ("direct", "backsolve")]
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
