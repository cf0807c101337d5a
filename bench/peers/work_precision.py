"""What the peers of the work-precision bench share: the problems, the clock and the shape of a row.

The JSON file that they are given has a list of { problem, exact, tolerances, stiff }: a problem of
packages/test-problems, its solution at the end, and the relative tolerances to solve it at.
"""

import json
import math
import sys
import time

REPEATS = 3
# One slow solve says as much as three.
PATIENCE = 0.2


def tasks():
    with open(sys.argv[1], encoding="utf-8") as file:
        return json.load(file)


def error(task, y):
    """The root mean square of the errors relative to smallness + |y|."""
    smallness = task["problem"]["smallness"]
    squares = [
        ((float(got) - value) / (smallness + abs(value))) ** 2
        for got, value in zip(y, task["exact"], strict=True)
    ]
    return math.sqrt(sum(squares) / len(squares))


def best_time(solve):
    """The shortest of some runs in milliseconds, and what the solve gave."""
    best, begin = math.inf, time.perf_counter()
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = solve()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() - begin > PATIENCE:
            break
    return 1000 * best, result


def row(task, system, method, rtol, y, nfe, milliseconds):
    return {
        "system": system,
        "method": method,
        "problem": task["problem"]["name"],
        "rtol": rtol,
        "error": error(task, y),
        "nfe": nfe,
        "milliseconds": milliseconds,
    }


def finish(rows):
    """Print the rows; what failed or is not finite is left out."""
    print(json.dumps([each for each in rows if math.isfinite(each["error"])]))
