"""What the two peers of the matmul bench share: problem file, what is measured, and the rows.

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

from problem_file import arguments, load_fields

WARM_UP = 3
PARAMETERS = ("w1", "b1", "w2", "b2")
FIELDS = ("products", "steps", "rounds")


def main(description, system, limit_threads, product, solve, magnitude):
    """Measure all products, then all steps with tanh and without it; print the rows.

    `product(problem)` and `solve(problem, activation)` prepare the function that runs the work.
    """
    given = arguments(description)
    problem = load_fields(given.problem, FIELDS)
    limit_threads(given.threads)
    named = {"system": system, "backend": "cpu", "threads": given.threads}

    def measured(work, one, times, run):
        timed = measure(problem["rounds"], times, run, magnitude)
        return {**named, "work": work, "shape": one["shape"], **timed}

    rows = [measured("product", one, one["times"], product(one)) for one in problem["products"]]
    for work, activation in (("step", True), ("step without tanh", False)):
        for one in problem["steps"]:
            rows.append(measured(work, one, one["steps"], solve(one, activation)))
    print(json.dumps(rows, indent=2))


def measure(rounds, times, run, magnitude):
    """Time `run()`, which does `times` steps or products and returns the result once it is there."""
    microseconds = []
    for _ in range(WARM_UP):
        run()
    for _ in range(rounds):
        start = time.perf_counter()
        result = run()
        microseconds.append(1e6 * (time.perf_counter() - start) / times)
    return {
        "usPerStep": statistics.median(microseconds),
        "usShortest": min(microseconds),
        "result": magnitude(result),
    }
