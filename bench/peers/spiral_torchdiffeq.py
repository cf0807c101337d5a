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

from cpu_torch import torch
from spiral_common import ATOL, BATCH_TIME, LEARNING_RATE, RTOL, load_problem
from torch import nn
from torchdiffeq_peer import ODEINT, main, train


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


def run(problem, gradient):
    odeint = ODEINT[gradient]
    true_y = torch.tensor(problem["trueY"])
    times = torch.tensor(problem["times"])[:BATCH_TIME]
    offsets = torch.arange(BATCH_TIME)[:, None]
    field = Field(problem)
    # torch's own defaults otherwise: alpha 0.99, eps 1e-8 added outside the root.
    optimiser = torch.optim.RMSprop(field.parameters(), lr=LEARNING_RATE)

    def loss(batch):
        starts = torch.tensor(batch)
        target = true_y[starts + offsets]  # [10 times, 20 curves, 2]
        predicted = odeint(field, true_y[starts], times, rtol=RTOL, atol=ATOL, method="dopri5")
        return (predicted - target).abs().mean()

    return train(problem, field, optimiser, loss, norm="untimed")


if __name__ == "__main__":
    main(__doc__, load_problem, run)
