"""Training on the clock, and the figures that every peer of the training benches prints of it.

Of the problem it reads "batches", of which iteration i takes number i modulo their number, "warmup"
and "iterations": so many iterations unmeasured, then so many measured.
"""

import platform
import statistics
import time


def train(problem, step, after=None):
    """Run warm-up and measured iterations; `step(batch)` does a whole one and returns its loss.

    The clock covers all that a training loop does: forward solve, loss, gradient, update, reading
    the loss. `after(i)` runs off the clock. Returns the milliseconds and the loss of every
    iteration, warm-up included.
    """
    milliseconds, losses = [], []
    for i in range(problem["warmup"] + problem["iterations"]):
        batch = problem["batches"][i % len(problem["batches"])]
        start = time.perf_counter()
        losses.append(step(batch))
        milliseconds.append(1000 * (time.perf_counter() - start))
        if after is not None:
            after(i)
    return milliseconds, losses


def figures(problem, milliseconds, losses, nfe_forward, nfe_backward):
    """The times, evaluations and losses of an entry.

    The evaluation counts come as one number for each measured iteration, or None where not known.
    """
    measured = milliseconds[problem["warmup"] :]
    return {
        "msPerIteration": {
            "median": statistics.median(measured),
            "min": min(measured),
            "max": max(measured),
        },
        "firstStepMs": milliseconds[0],
        "nfeForward": mean(nfe_forward),
        "nfeBackward": mean(nfe_backward),
        "initialLoss": losses[0],
        "loss": losses[-1],
    }


def mean(counts):
    return None if counts is None else statistics.fmean(counts)


def versions(*libraries):
    """Those of Python and of what trains."""
    named = {library.__name__: library.__version__ for library in libraries}
    return {"python": platform.python_version(), **named}
