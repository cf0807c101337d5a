"""The work-precision bench with scipy's solve_ivp; see work_precision.py.

Fields get Python floats, which are faster than numpy's scalars; implicit methods get no Jacobian, so
that they difference the field, but those evaluations scipy does not count.
"""

import math
import sys
import warnings

from problem_fields import field
from scipy.integrate import solve_ivp
from work_precision import best_time, finish, row, tasks

EXPLICIT = ("RK45", "DOP853", "RK23", "LSODA")
STIFF = ("Radau", "BDF", "LSODA")


def run(task, method, rtol):
    problem = task["problem"]
    f = field(problem, math)
    times = problem["times"][0], task["end"]

    def solve():
        return solve_ivp(
            lambda t, y: f(t, y.tolist()),
            times,
            problem["y0"],
            method,
            rtol=rtol,
            atol=rtol * problem["smallness"],
        )

    milliseconds, solved = best_time(solve)
    if not solved.success:
        print(f"scipy {method}, {problem['name']} at {rtol}: {solved.message}", file=sys.stderr)
        return None
    return row(task, "scipy", method, rtol, solved.y[:, -1], int(solved.nfev), milliseconds)


def main():
    warnings.simplefilter("ignore")
    rows = [
        run(task, method, rtol)
        for task in tasks()
        for method in (STIFF if task["stiff"] else EXPLICIT)
        for rtol in task["tolerances"]
        if not (method == "RK23" and rtol < 1e-8)
    ]
    finish([each for each in rows if each])


if __name__ == "__main__":
    main()
