"""Solutions by scipy's explicit methods at an everyday tolerance, with what they cost.

The methods of the same formulas in `solvers`, under the same control of the step, have to give the
same values for the same evaluations.
"""

from reference_files import write
from scipy.integrate import solve_ivp

TOLERANCE = 1e-7
METHODS = ("RK23", "RK45", "DOP853")
CONVENTIONS = [
    "first step: Hairer, Norsett, Wanner I, section II.4; takes 2 evaluations",
    "error norm: root mean square of error / (atol + rtol max(|y before|, |y after|))",
    "next step: step * min(10, max(0.2, 0.9 / norm^(1 / (order of the error + 1))))",
    "no growth right after a step refused",
    "steps pass over the times; ys come from the dense output, for which DOP853 takes 3 further "
    "evaluations in each step that has one of the times inside or at an end of it",
]


def write_methods(problem):
    times, y0 = problem["times"], problem["y0"]
    methods = {}
    for method in METHODS:
        solved = solve_ivp(
            problem["field"], times[[0, -1]], y0, method, times, rtol=TOLERANCE, atol=TOLERANCE
        )
        methods[method] = {"evaluations": solved.nfev, "ys": solved.y.T.tolist()}
    content = {
        "problem": problem["name"],
        "equation": problem["equation"],
        "parameters": problem["parameters"],
        "conventions": CONVENTIONS,
        "method": {"name": "scipy solve_ivp", "rtol": TOLERANCE, "atol": TOLERANCE},
        "y0": y0,
        "times": times.tolist(),
        "methods": methods,
    }
    write("solvers", f"{problem['name']}-scipy", ("numpy", "scipy"), content)


def write_all(problems):
    for problem in problems:
        if problem["name"] in ("lotka-volterra", "lorenz"):
            write_methods(problem)
