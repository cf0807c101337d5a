"""What the two peers of the matmul bench share: the problem file, the clock, and the shape of a result.

The problem file has the matrices of each product, and the parameters of each field

    f(y) = activation(y w1 + b1) w2 + b2,    activation tanh, or none

with its initial state and how many steps of the classical Runge-Kutta method to take:

    { "products": [{ "shape", "a": [n][n], "b": [n][n], "times" }, ...],
      "steps": [{ "shape", "w1", "b1", "w2", "b2", "start", "steps", "stepSize" }, ...],
      "rounds": R }

Each is run R times after a warm-up. A row has microseconds of one product or step, median and
shortest, and the mean magnitude of the result, by which the systems are compared.
"""

import json
import statistics
import time

import common

WARM_UP = 3


def load_problem(path):
    """Read the problem file; a wrong one ends the program with a sentence and code 2."""
    try:
        with open(path, encoding="utf-8") as file:
            problem = json.load(file)
    except (OSError, ValueError) as error:
        common.stop(f"cannot read the problem file {path}: {error}")
    missing = [name for name in ("products", "steps", "rounds") if name not in problem]
    if missing:
        common.stop(f"{path}: these fields are missing: {', '.join(missing)}")
    return problem


def measure(rounds, times, run, magnitude, **row):
    """Time `run()`, which does `times` steps or products and returns the result once it is there."""
    microseconds = []
    for _ in range(WARM_UP):
        run()
    for _ in range(rounds):
        start = time.perf_counter()
        result = run()
        microseconds.append(1e6 * (time.perf_counter() - start) / times)
    return {
        **row,
        "usPerStep": statistics.median(microseconds),
        "usShortest": min(microseconds),
        "result": magnitude(result),
    }
