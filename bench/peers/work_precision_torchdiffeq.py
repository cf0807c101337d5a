"""The work-precision bench with torchdiffeq in float64; see work_precision.py."""

from cpu_torch import torch
import torchdiffeq
from problem_fields import field
from work_precision import best_time, finish, row, tasks

METHODS = ("dopri5", "dopri8", "bosh3")


class Field(torch.nn.Module):
    def __init__(self, problem):
        super().__init__()
        self.f = field(problem, torch)
        self.evaluations = 0

    def forward(self, t, y):
        self.evaluations += 1
        return torch.stack(self.f(t, y.unbind()))


def run(task, method, rtol):
    problem = task["problem"]
    y0 = torch.tensor(problem["y0"], dtype=torch.float64)
    times = torch.tensor([problem["times"][0], task["end"]], dtype=torch.float64)
    f = Field(problem)

    def solve():
        f.evaluations = 0
        atol = rtol * problem["smallness"]
        return torchdiffeq.odeint(f, y0, times, rtol=rtol, atol=atol, method=method)[-1]

    with torch.no_grad():
        milliseconds, y = best_time(solve)
    return row(task, "torchdiffeq", method, rtol, y.tolist(), f.evaluations, milliseconds)


def main():
    torch.set_num_threads(1)
    finish(
        [
            run(task, method, rtol)
            for task in tasks()
            if not task["stiff"]
            for method in METHODS
            for rtol in task["tolerances"]
            if not (method == "bosh3" and rtol < 1e-7)
        ]
    )


if __name__ == "__main__":
    main()
