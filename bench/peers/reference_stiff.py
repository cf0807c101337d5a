"""Reference solutions of stiff problems; see reference_solutions.py, which writes them.

Van der Pol's oscillator at mu = 1000 on its slow stretch, Robertson's reaction, and a linear problem
with an eigenvalue of -1e6, by scipy's Radau at 1e-12 with the exact Jacobian, each checked against a
second source: LSODA (a multistep code, nothing in common with Runge-Kutta), or a closed form. And a
reaction with diffusion of 500 unknowns, by Radau at 1e-10 and checked against BDF.
"""

import numpy as np
from reference_files import write
from scipy.integrate import solve_ivp
from scipy.sparse import bmat, diags, eye

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


def brusselator(points):
    """BRUSS of Hairer, Wanner II, section IV.10: u and v on a line of inner points, alpha = 1/50."""
    inner = (points + 1) ** 2 / 50

    def diffusion(values, edge):
        padded = np.concatenate([[edge], values, [edge]])
        return inner * (padded[:-2] - 2 * values + padded[2:])

    def field(_, y):
        u, v = np.split(y, 2)
        reaction = u * u * v
        return np.concatenate(
            [1 + reaction - 4 * u + diffusion(u, 1), 3 * u - reaction + diffusion(v, 3)]
        )

    x = np.arange(1, points + 1) / (points + 1)
    start = np.concatenate([1 + np.sin(2 * np.pi * x), np.full(points, 3.0)])
    neighbours = diags([1.0, 1.0, 1.0], [-1, 0, 1], shape=(points, points))
    return field, start, bmat([[neighbours, eye(points)], [eye(points), neighbours]])


def write_brusselator(points=250, every=25, end=2.0):
    field, start, sparsity = brusselator(points)
    ends = {
        method: solve_ivp(
            field, (0, end), start, method, rtol=tolerance, atol=tolerance, jac_sparsity=sparsity
        ).y[:, -1]
        for method, tolerance in [("Radau", 1e-10), ("BDF", 1e-9)]
    }
    difference = float(np.abs(ends["Radau"] - ends["BDF"]).max())
    if not difference < AGREEMENT:
        raise RuntimeError(f"brusselator: Radau and BDF differ by {difference}")
    content = {
        "problem": "brusselator",
        "equation": "BRUSS of Hairer, Wanner II, section IV.10, on a line",
        "parameters": {"points": points, "alpha": 1 / 50},
        "method": {"name": "scipy solve_ivp, Radau", "rtol": 1e-10, "atol": 1e-10},
        "checked": {"against": "scipy solve_ivp, BDF", "maxDifference": difference},
        "time": end,
        "every": every,
        "y": ends["Radau"][::every].tolist(),
    }
    write("solvers", "brusselator", ("numpy", "scipy"), content)


def write_all():
    for problem in problems():
        write_solution(problem)
    write_brusselator()
