"""Products, and steps of the classical Runge-Kutta method, with torch on the CPU; prints JSON.

Eager, without autograd, as torchdiffeq runs: each operation is a call from Python. float32.

    python matmul_torch.py PROBLEM.json [--threads N]
"""

import matmul_common
from cpu_torch import limit_threads, torch


def product(problem):
    a, b = torch.tensor(problem["a"]), torch.tensor(problem["b"])

    def run():
        for _ in range(problem["times"]):
            result = a @ b
        return result

    return run


def field_of(problem, activation):
    w1, b1, w2, b2 = (torch.tensor(problem[name]) for name in matmul_common.PARAMETERS)

    def field(y):
        hidden = torch.addmm(b1, y, w1)
        return torch.addmm(b2, torch.tanh(hidden) if activation else hidden, w2)

    return field


def solve(problem, activation):
    field, start = field_of(problem, activation), torch.tensor(problem["start"])
    h = problem["stepSize"]

    def run():
        y = start
        for _ in range(problem["steps"]):
            k1 = field(y)
            k2 = field(y + (h / 2) * k1)
            k3 = field(y + (h / 2) * k2)
            k4 = field(y + h * k3)
            y = y + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)
        return y

    return run


def magnitude(result):
    return result.double().abs().mean().item()


if __name__ == "__main__":
    with torch.no_grad():
        matmul_common.main(__doc__, "torch", limit_threads, product, solve, magnitude)
