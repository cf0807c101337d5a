"""Reference solutions of stiff problems; see reference_solutions.py, which writes them.

Van der Pol's oscillator at mu = 1000 on its slow stretch, Robertson's reaction, and a linear problem
with an eigenvalue of -1e6, by scipy's Radau at 1e-12 with the exact Jacobian, each checked against a
second source: LSODA (a multistep code, nothing in common with Runge-Kutta), or a closed form.
"""

import numpy as np
from reference_files import write
from scipy.integrate import solve_ivp

MU, LAMBDA = 1000.0, -1e6
TOLERANCE = 1e-12
AGREEMENT = 1e-7


def problems():
    """The problems; `exact` is the closed form, where there is one."""
    return [
        {
            "name": "van-der-pol-stiff",
            "equation": "y0' = y1, y1' = mu (1 - y0^2) y1 - y0",
            "parameters": {"mu": MU},
            "field": lambda t, y: [y[1], MU * (1 - y[0] ** 2) * y[1] - y[0]],
            "jacobian": lambda t, y: [[0, 1], [-2 * MU * y[0] * y[1] - 1, MU * (1 - y[0] ** 2)]],
            "y0": [2.0, 0.0],
            "atol": 1e-14,
            "times": np.array([0.0, 1.0, 100.0, 400.0, 800.0]),
        },
        {
            "name": "robertson",
            "equation": "y0' = -slow y0 + mid y1 y2, y1' = -y0' - y2', y2' = fast y1^2",
            "parameters": {"slow": 0.04, "mid": 1e4, "fast": 3e7},
            "field": lambda t, y: [
                -0.04 * y[0] + 1e4 * y[1] * y[2],
                0.04 * y[0] - 1e4 * y[1] * y[2] - 3e7 * y[1] ** 2,
                3e7 * y[1] ** 2,
            ],
            "jacobian": lambda t, y: [
                [-0.04, 1e4 * y[2], 1e4 * y[1]],
                [0.04, -1e4 * y[2] - 6e7 * y[1], -1e4 * y[1]],
                [0, 6e7 * y[1], 0],
            ],
            "y0": [1.0, 0.0, 0.0],
            "atol": 1e-17,
            "times": np.array([0.0, 0.4, 40.0, 4e3, 4e5]),
        },
        {
            "name": "linear-stiff",
            "equation": "y0' = lambda (y0 - cos t) - sin t",
            "parameters": {"lambda": LAMBDA},
            "field": lambda t, y: [LAMBDA * (y[0] - np.cos(t)) - np.sin(t)],
            "jacobian": lambda t, y: [[LAMBDA]],
            "y0": [1.5],
            "atol": 1e-14,
            "times": np.array([0.0, 1e-6, 0.1, 1.0, 3.0]),
            "exact": lambda t: [np.cos(t) + 0.5 * np.exp(LAMBDA * t)],
        },
    ]


def solved(problem, method):
    times = problem["times"]
    solution = solve_ivp(
        problem["field"],
        times[[0, -1]],
        problem["y0"],
        method,
        times,
        rtol=TOLERANCE,
        atol=problem["atol"],
        jac=problem["jacobian"],
    )
    return solution.y.T


def write_solution(problem):
    ys = solved(problem, "Radau")
    if "exact" in problem:
        source = "closed form"
        other = np.array([problem["exact"](t) for t in problem["times"]])
    else:
        source, other = "scipy solve_ivp, LSODA", solved(problem, "LSODA")
    difference = float((np.abs(ys - other) / (np.abs(other) + 1e-12)).max())
    if not difference < AGREEMENT:
        raise RuntimeError(f"{problem['name']}: Radau and {source} differ by {difference}")
    content = {
        "problem": problem["name"],
        "equation": problem["equation"],
        "parameters": problem["parameters"],
        "method": {
            "name": "scipy solve_ivp, Radau, exact Jacobian",
            "rtol": TOLERANCE,
            "atol": problem["atol"],
        },
        "checked": {"against": source, "maxRelativeDifference": difference},
        "y0": problem["y0"],
        "times": problem["times"].tolist(),
        "ys": ys.tolist(),
    }
    write("solvers", problem["name"], ("numpy", "scipy"), content)


def write_all():
    for problem in problems():
        write_solution(problem)
