"""Products, and steps of the classical Runge-Kutta method, with torch on the CPU; prints JSON.

Eager, without autograd, as torchdiffeq runs: each operation is a call from Python. float32.

    python matmul_torch.py PROBLEM.json [--threads N]
"""

import json

import common
import matmul_common
from cpu_torch import torch


def multiply(a, b, times):
    for _ in range(times):
        product = a @ b
    return product


def solve(field, y, steps, h):
    for _ in range(steps):
        k1 = field(y)
        k2 = field(y + (h / 2) * k1)
        k3 = field(y + (h / 2) * k2)
        k4 = field(y + h * k3)
        y = y + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


def field_of(problem, activation):
    w1, b1, w2, b2 = (torch.tensor(problem[name]) for name in common.PARAMETERS)

    def field(y):
        hidden = torch.addmm(b1, y, w1)
        return torch.addmm(b2, torch.tanh(hidden) if activation else hidden, w2)

    return field


def magnitude(result):
    return result.double().abs().mean().item()


def main():
    given = common.arguments(__doc__)
    problem = matmul_common.load_problem(given.problem)
    torch.set_num_threads(given.threads)
    torch.set_num_interop_threads(1)
    named = {"system": "torch", "backend": "cpu", "threads": given.threads}
    rounds = problem["rounds"]
    rows = []
    with torch.no_grad():
        for one in problem["products"]:
            a, b, times = torch.tensor(one["a"]), torch.tensor(one["b"]), one["times"]
            run = lambda: multiply(a, b, times)
            row = {**named, "work": "product", "shape": one["shape"]}
            rows.append(matmul_common.measure(rounds, times, run, magnitude, **row))
        for work, activation in (("step", True), ("step without tanh", False)):
            for one in problem["steps"]:
                field, start = field_of(one, activation), torch.tensor(one["start"])
                steps = one["steps"]
                run = lambda: solve(field, start, steps, one["stepSize"])
                row = {**named, "work": work, "shape": one["shape"]}
                rows.append(matmul_common.measure(rounds, steps, run, magnitude, **row))
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
