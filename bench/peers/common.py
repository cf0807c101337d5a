"""What the two spiral peers share: command line, problem file, clock, and the shape of a result.

The problem is the public spiral example (true dynamics dy/dt = y^3 A). The initial parameters, the
true curve and the batches come from a JSON file, so that every system trains the very same thing:

    { "w1": [2][50], "b1": [50],             the field is tanh(y^3 w1 + b1) w2 + b2
      "w2": [50][2], "b2": [2],
      "trueY": [1000][2], "times": [1000],   the true curve
      "batches": [[20 indices], ...],        where the curves of a batch start in trueY;
                                             iteration i takes batches[i modulo their number]
      "warmup": W, "iterations": N }         W iterations unmeasured, then N measured
"""

import argparse
import json
import statistics
import sys
import time

BATCH_TIME = 10
LEARNING_RATE = 1e-3
RTOL = 1e-7
ATOL = 1e-9
PARAMETERS = ("w1", "b1", "w2", "b2")
FIELDS = (*PARAMETERS, "trueY", "times", "batches", "warmup", "iterations")


def arguments(description):
    """Read the command line: the problem file, and how many threads may be used."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problem", help="JSON file with the spiral problem")
    parser.add_argument("--threads", type=int, default=1, help="threads to use (default: 1)")
    given = parser.parse_args()
    if given.threads < 1:
        parser.error(f"--threads must be 1 or more, got {given.threads}")
    return given


def load_problem(path):
    """Read and check the problem file; a wrong one ends the program with a sentence and code 2."""
    try:
        with open(path, encoding="utf-8") as file:
            problem = json.load(file)
    except (OSError, ValueError) as error:
        stop(f"cannot read the problem file {path}: {error}")
    if not isinstance(problem, dict):
        stop(f"{path}: expected a JSON object")
    missing = [name for name in FIELDS if name not in problem]
    if missing:
        stop(f"{path}: these fields are missing: {', '.join(missing)}")
    if not problem["batches"] or problem["iterations"] < 1 or problem["warmup"] < 0:
        stop(f"{path}: needs at least one batch, iterations of 1 or more, and warmup of 0 or more")
    last = len(problem["times"]) - BATCH_TIME
    if any(not 0 <= start <= last for batch in problem["batches"] for start in batch):
        stop(f"{path}: a start index in batches is outside 0 to {last}")
    return problem


def stop(sentence):
    print(sentence, file=sys.stderr)
    sys.exit(2)


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


def result(problem, milliseconds, losses, nfe_forward, nfe_backward, **rest):
    """One entry of the printed array.

    The evaluation counts come as one number for each measured iteration, or None where not known.
    """
    measured = milliseconds[problem["warmup"] :]
    return {
        **rest,
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
