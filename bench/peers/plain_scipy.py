"""The plain bench with scipy's solve_ivp: `python plain_scipy.py TOLERANCE` prints a list of rows.

The problems are those of bench/src/plain/problems.ts, each as it is fastest in Python: on floats where
the state is short, else on whole arrays. The solutions at 1e-12 are what errors are measured against.
"""

import json
import math
import sys
import time

import numpy as np
from scipy.integrate import solve_ivp

METHODS = ("RK45", "DOP853", "LSODA")
CELLS = 500
PATIENCE = 1.5


def lorenz(t, y):
    a, b, c = y.tolist()
    return [10 * (b - a), a * (28 - c) - b, a * b - (8 / 3) * c]


MASSES = np.arange(1.0, 8.0)


def pleiades(t, state):
    x, y = state[:7], state[7:14]
    dx, dy = x[None] - x[:, None], y[None] - y[:, None]
    squared = dx * dx + dy * dy
    np.fill_diagonal(squared, 1)
    pull = MASSES / (squared * np.sqrt(squared))
    return np.concatenate([state[14:], (pull * dx).sum(1), (pull * dy).sum(1)])


DIFFUSION = (1 / 50) * (CELLS + 1) ** 2


def brusselator(t, y):
    u, v = y[:CELLS], y[CELLS:]
    reaction = u * u * v
    rates = np.empty_like(y)
    for part, values, wall in ((rates[:CELLS], u, 1), (rates[CELLS:], v, 3)):
        part[:] = -2 * values
        part[1:] += values[:-1]
        part[:-1] += values[1:]
        part[0] += wall
        part[-1] += wall
    rates *= DIFFUSION
    rates[:CELLS] += 1 + reaction - 4 * u
    rates[CELLS:] += 3 * u - reaction
    return rates


INDEX = np.arange(10)
TURN = np.sin(3 * INDEX[:, None] + 5 * INDEX[None])
MATRIX = TURN - TURN.T - 0.1 * np.eye(10)


def linear(t, y):
    return MATRIX @ y


GRID = np.arange(1, CELLS + 1) / (CELLS + 1)
STARS = [3, 3, -1, -3, 2, -2, 2, 3, -3, 2, 0, 0, -4, 4]
SPEEDS = [0, 0, 0, 0, 0, 1.75, -1.5, 0, 0, 0, -1.25, 1, 0, 0]
PROBLEMS = {
    "lorenz": (lorenz, [1, 1, 1], 20),
    "pleiades": (pleiades, STARS + SPEEDS, 3),
    "brusselator": (
        brusselator,
        np.concatenate([1 + np.sin(2 * math.pi * GRID), np.full(CELLS, 3)]),
        1,
    ),
    "linear": (linear, np.eye(10)[0], 20),
}


def main():
    tolerance = float(sys.argv[1])
    rows = []
    for name, (field, y0, end) in PROBLEMS.items():
        exact = solve_ivp(field, (0, end), y0, "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        rows.append({"problem": name, "system": "exact", "y": exact.tolist()})
        for method in METHODS:
            best, begin = math.inf, time.perf_counter()
            while time.perf_counter() - begin < PATIENCE:
                start = time.perf_counter()
                solved = solve_ivp(field, (0, end), y0, method, rtol=tolerance, atol=tolerance)
                best = min(best, time.perf_counter() - start)
            rows.append(
                {
                    "problem": name,
                    "system": f"scipy {method}",
                    "y": solved.y[:, -1].tolist(),
                    "nfe": int(solved.nfev),
                    "milliseconds": 1000 * best,
                }
            )
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
