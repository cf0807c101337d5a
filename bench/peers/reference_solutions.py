"""Write the reference values that the TypeScript tests are held against, as JSON.

    python bench/peers/reference_solutions.py

- packages/solvers/test/reference: solutions of six initial value problems, by scipy's DOP853 at
  1e-13, each checked against a second source (a closed form, or a Taylor series solver in 30
  digits), one solution by torchdiffeq's dopri5 at everyday tolerances, and solutions by scipy's
  explicit methods (reference_scipy.py).
- the same folder: solutions of stiff problems (reference_stiff.py), and what scipy's multistep
  codes spend (reference_multistep.py).
- packages/adjoint/test/reference: gradients of a solve (reference_gradients.py).
- packages/nn/test/reference: recurrent cells and optimisers, as torch has them (reference_nn.py).

Nothing here is random: another run writes the same files, but for the last digits on another
machine.
"""

import mpmath
import numpy as np
from cpu_torch import torch
import reference_gradients
import reference_multistep
import reference_nn
import reference_scipy
import reference_stiff
import torchdiffeq
from reference_files import write
from scipy.integrate import solve_ivp
from torchdiffeq._impl.dopri5 import Dopri5Solver as DOPRI5

TOLERANCE = 1e-13
AGREEMENT = 1e-10
LOTKA_VOLTERRA = {"a": 1.5, "b": 1.0, "c": 3.0, "d": 1.0}


def rotated(angle, y):
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([cos * y[0] + sin * y[1], cos * y[1] - sin * y[0]])


def lotka_volterra(t, y):
    p = LOTKA_VOLTERRA
    return [p["a"] * y[0] - p["b"] * y[0] * y[1], p["d"] * y[0] * y[1] - p["c"] * y[1]]


def problems():
    """The problems; `exact` is the closed form, where there is one."""
    turn, damping, omega = [[-0.1, 2.0], [-2.0, -0.1]], 0.5, 2.0
    return [
        {
            "name": "lotka-volterra",
            "equation": "y0' = a y0 - b y0 y1, y1' = d y0 y1 - c y1",
            "parameters": LOTKA_VOLTERRA,
            "field": lotka_volterra,
            "y0": [10.0, 5.0],
            "times": np.linspace(0, 10, 21),
        },
        {
            "name": "van-der-pol",
            "equation": "y0' = y1, y1' = mu (1 - y0^2) y1 - y0",
            "parameters": {"mu": 1.0},
            "field": lambda t, y: [y[1], 1.0 * (1 - y[0] ** 2) * y[1] - y[0]],
            "y0": [2.0, 0.0],
            "times": np.linspace(0, 20, 21),
        },
        {
            "name": "linear-time-dependent",
            "equation": "y0' = -damping y0 + t y1, y1' = -t y0 - damping y1; starts at t = 0.5",
            "parameters": {"damping": damping},
            "field": lambda t, y: [-damping * y[0] + t * y[1], -t * y[0] - damping * y[1]],
            "y0": [1.0, 0.5],
            "times": np.array([0.5, 0.6, 0.95, 1.3, 2.0, 2.25, 3.1, 3.5, 4.0]),
            "exact": lambda t, t0, y0: np.exp(-damping * (t - t0))
            * rotated((t**2 - t0**2) / 2, y0),
        },
        {
            "name": "spiral",
            "equation": "y' = y^3 A, the cube element by element, y a row",
            "parameters": {"A": turn},
            "field": lambda t, y: [
                y[0] ** 3 * turn[0][j] + y[1] ** 3 * turn[1][j] for j in range(2)
            ],
            "y0": [2.0, 0.0],
            "times": np.linspace(0, 25, 26),
        },
        {
            "name": "lorenz",
            "equation": "y0' = sigma (y1 - y0), y1' = y0 (rho - y2) - y1, y2' = y0 y1 - beta y2",
            "parameters": {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3},
            "field": lambda t, y: [
                10.0 * (y[1] - y[0]),
                y[0] * (28.0 - y[2]) - y[1],
                y[0] * y[1] - 8 / 3 * y[2],
            ],
            "y0": [1.0, 1.0, 1.0],
            "times": np.linspace(0, 2, 21),
        },
        {
            "name": "harmonic-backward",
            "equation": "y0' = y1, y1' = -omega^2 y0; from the first time back to the last",
            "parameters": {"omega": omega},
            "field": lambda t, y: [y[1], -(omega**2) * y[0]],
            "y0": [1.0, 0.0],
            "times": np.linspace(5, 0, 11),
            "exact": lambda t, t0, y0: [
                np.cos(omega * (t - t0)),
                -omega * np.sin(omega * (t - t0)),
            ],
        },
    ]


def taylor_series(problem):
    """The solution by mpmath's Taylor series in 30 digits: nothing in common with Runge-Kutta."""
    with mpmath.workdps(30):
        y0 = [mpmath.mpf(value) for value in problem["y0"]]
        solution = mpmath.odefun(problem["field"], mpmath.mpf(problem["times"][0]), y0)
        return np.array([[float(value) for value in solution(t)] for t in problem["times"]])


def write_solution(problem):
    times, y0 = problem["times"], problem["y0"]
    solved = solve_ivp(
        problem["field"], times[[0, -1]], y0, "DOP853", times, rtol=TOLERANCE, atol=TOLERANCE
    )
    ys = solved.y.T
    if "exact" in problem:
        source = "closed form"
        other = np.array([problem["exact"](t, times[0], np.array(y0)) for t in times])
    else:
        source, other = "mpmath odefun (Taylor series, 30 digits)", taylor_series(problem)
    difference = float(np.abs(ys - other).max())
    if not difference < AGREEMENT:
        raise RuntimeError(f"{problem['name']}: DOP853 and {source} differ by {difference}")
    content = {
        "problem": problem["name"],
        "equation": problem["equation"],
        "parameters": problem["parameters"],
        "method": {"name": "scipy solve_ivp, DOP853", "rtol": TOLERANCE, "atol": TOLERANCE},
        "checked": {"against": source, "maxDifference": difference},
        "y0": y0,
        "times": times.tolist(),
        "ys": ys.tolist(),
    }
    write("solvers", problem["name"], ("numpy", "scipy", "mpmath"), content)


def write_torchdiffeq_dopri5(problem):
    """What another dopri5 gives at everyday tolerances, to hold error and evaluations beside."""
    rtol, atol, evaluations = 1e-6, 1e-8, 0

    def field(t, y):
        nonlocal evaluations
        evaluations += 1
        return torch.stack(problem["field"](t, y))

    y0, times = torch.tensor(problem["y0"], dtype=torch.float64), torch.from_numpy(problem["times"])
    ys = torchdiffeq.odeint(field, y0, times, rtol=rtol, atol=atol, method="dopri5")
    content = {
        "problem": problem["name"],
        "equation": problem["equation"],
        "parameters": problem["parameters"],
        "method": {"name": "torchdiffeq odeint, dopri5, float64", "rtol": rtol, "atol": atol},
        "conventions": [
            "first step: Hairer, Norsett, Wanner I, section II.4, power 1/5; takes 2 evaluations",
            "error norm: root mean square of error / (atol + rtol max(|y before|, |y after|))",
            "next step: step * min(10, max(least, 0.9 / norm^0.2)), least 1 if norm < 1, else 0.2",
            "a step is taken if norm <= 1; a step refused costs 6 evaluations, as does one taken",
            "steps pass over the times; ys come from the quartic through y and f at both ends of a "
            "step and y at its middle, y + step * sum(middle * k)",
            "error = step * sum(error * k), Shampine's: 2/3 of that in Dormand and Prince's table",
        ],
        "error": DOPRI5.tableau.c_error.tolist(),
        "middle": DOPRI5.mid.tolist(),
        "evaluations": evaluations,
        "y0": problem["y0"],
        "times": times.tolist(),
        "ys": ys.tolist(),
    }
    write("solvers", f"{problem['name']}-torchdiffeq-dopri5", ("torch", "torchdiffeq"), content)


def main():
    torch.set_num_threads(1)
    everything = problems()
    for problem in everything:
        write_solution(problem)
    write_torchdiffeq_dopri5(everything[0])
    reference_scipy.write_all(everything)
    reference_stiff.write_all()
    reference_multistep.write_all()
    reference_gradients.write_all()
    reference_nn.write_all()


if __name__ == "__main__":
    main()
