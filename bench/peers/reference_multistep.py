"""What scipy's multistep codes spend, and how far off they are; see reference_solutions.py.

VODE's Adams method on smooth problems, and scipy's BDF, with the exact Jacobian, on stiff ones; each
against the solution by DOP853 or Radau at 1e-13 or so.
"""

import numpy as np
from reference_files import write
from scipy.integrate import ode, solve_ivp

SMOOTH_TOLERANCES = [1e-4, 1e-6, 1e-8, 1e-10]
STIFF_TOLERANCES = [1e-4, 1e-6, 1e-8]


def kepler(t, y):
    cube = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return np.array([y[2], y[3], -y[0] / cube, -y[1] / cube])


def hires(t, y):
    meeting = 280 * y[5] * y[7]
    return np.array(
        [
            -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007,
            1.71 * y[0] - 8.75 * y[1],
            -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4],
            8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
            -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6],
            -meeting + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6],
            meeting - 1.81 * y[6],
            -meeting + 1.81 * y[6],
        ]
    )


def oregonator(t, y):
    return np.array(
        [
            77.27 * (y[1] + y[0] * (1 - 8.375e-6 * y[0] - y[1])),
            (y[2] - (1 + y[0]) * y[1]) / 77.27,
            0.161 * (y[0] - y[2]),
        ]
    )


def robertson(t, y):
    slow, back, fast = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return np.array([back - slow, slow - back - fast, fast])


def van_der_pol(mu):
    return lambda t, y: np.array([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]])


# name, field, y0, end, and for the stiff ones the absolute tolerance over the relative one
SMOOTH = [
    (
        "lotka-volterra",
        lambda t, y: np.array([1.5 * y[0] - y[0] * y[1], y[0] * y[1] - 3 * y[1]]),
        [1.0, 1.0],
        10.0,
    ),
    ("kepler", kepler, [0.7, 0.0, 0.0, float(np.sqrt(1.3 / 0.7))], 20.0),
    ("van-der-pol", van_der_pol(1.0), [2.0, 0.0], 20.0),
]
STIFF = [
    ("van-der-pol-1000", van_der_pol(1000.0), [2.0, 0.0], 2000.0, 1.0),
    ("robertson", robertson, [1.0, 0.0, 0.0], 4e5, 1e-4),
    ("hires", hires, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057], 321.8122, 1e-2),
    ("oregonator", oregonator, [1.0, 2.0, 3.0], 360.0, 1.0),
]


def jacobian_of(field):
    """By a step into the complex plane: exact to rounding for these polynomials."""

    def jacobian(t, y):
        steps = 1e-30j * np.eye(len(y))
        return np.array([field(t, y + step).imag / 1e-30 for step in steps]).T

    return jacobian


def error_of(ys, exact, scale):
    """The largest error, relative to the size of a component and `scale`."""
    return float((np.abs(ys - exact) / (scale + np.abs(exact))).max())


def vode(field, y0, times, tolerance):
    calls = 0

    def counted(t, y):
        nonlocal calls
        calls += 1
        return field(t, y)

    solver = ode(counted).set_integrator(
        "vode", method="adams", rtol=tolerance, atol=tolerance, nsteps=100000
    )
    solver.set_initial_value(y0, times[0])
    return np.array([y0, *(solver.integrate(t) for t in times[1:])]), calls


def smooth_problem(name, field, y0, end):
    times = np.linspace(0, end, 11)
    exact = solve_ivp(field, (0, end), y0, "DOP853", times, rtol=1e-13, atol=1e-14).y.T
    runs = []
    for tolerance in SMOOTH_TOLERANCES:
        ys, calls = vode(field, y0, times, tolerance)
        run = {"rtol": tolerance, "evaluations": calls, "error": error_of(ys, exact, 1.0)}
        runs.append(run)
    return {"name": name, "scale": 1.0, "y0": y0, "times": times, "ys": exact, "runs": runs}


def stiff_problem(name, field, y0, end, scale):
    times = np.linspace(0, end, 11)
    jac = jacobian_of(field)
    span = (0, end)
    exact = solve_ivp(field, span, y0, "Radau", times, rtol=1e-12, atol=1e-12 * scale, jac=jac).y.T
    runs = []
    for tolerance in STIFF_TOLERANCES:
        solved = solve_ivp(
            field, span, y0, "BDF", times, rtol=tolerance, atol=tolerance * scale, jac=jac
        )
        error = error_of(solved.y.T, exact, scale)
        runs.append({"rtol": tolerance, "evaluations": solved.nfev, "error": error})
    return {"name": name, "scale": scale, "y0": y0, "times": times, "ys": exact, "runs": runs}


def listed(problem):
    return {**problem, "times": problem["times"].tolist(), "ys": problem["ys"].tolist()}


def write_all():
    for kind, problems, peer in (
        ("smooth", [smooth_problem(*each) for each in SMOOTH], "scipy ode, vode, method='adams'"),
        ("stiff", [stiff_problem(*each) for each in STIFF], "scipy solve_ivp, BDF, exact Jacobian"),
    ):
        content = {
            "method": {"name": peer, "atol": "rtol times the problem's scale"},
            "error": "the largest of |y - ys| / (scale + |ys|) at the times",
            "problems": {each["name"]: listed(each) for each in problems},
        }
        write("solvers", f"multistep-{kind}-scipy", ("numpy", "scipy"), content)
