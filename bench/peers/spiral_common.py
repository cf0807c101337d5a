"""What the two peers of the spiral share: the problem file and its constants.

The problem is the public spiral example (true dynamics dy/dt = y^3 A). The initial parameters, the
true curve and the batches come from a JSON file, so that every system trains the very same thing:

    { "w1": [2][50], "b1": [50],             the field is tanh(y^3 w1 + b1) w2 + b2
      "w2": [50][2], "b2": [2],
      "trueY": [1000][2], "times": [1000],   the true curve
      "batches": [[20 indices], ...],        where the curves of a batch start in trueY
      "warmup": W, "iterations": N }
"""

from problem_file import load_fields, stop

BATCH_TIME = 10
LEARNING_RATE = 1e-3
RTOL = 1e-7
ATOL = 1e-9
PARAMETERS = ("w1", "b1", "w2", "b2")
FIELDS = (*PARAMETERS, "trueY", "times", "batches", "warmup", "iterations")


def load_problem(path):
    """Read and check the problem file; a wrong one ends the program with a sentence and code 2."""
    problem = load_fields(path, FIELDS)
    if not problem["batches"] or problem["iterations"] < 1 or problem["warmup"] < 0:
        stop(f"{path}: needs at least one batch, iterations of 1 or more, and warmup of 0 or more")
    last = len(problem["times"]) - BATCH_TIME
    if any(not 0 <= start <= last for batch in problem["batches"] for start in batch):
        stop(f"{path}: a start index in batches is outside 0 to {last}")
    return problem
