"""Elementary functions of float64 numbers, correctly rounded, from 60 digits.

Half of the arguments lie evenly over the range that matters, half evenly in size down to the
smallest numbers.

    bench/.venv/bin/python bench/peers/reference_elementary.py
"""

import numpy as np
from mpmath import exp, expm1, log, log1p, mp, mpf, tanh
from reference_files import write

mp.dps = 60
COUNT = 150
FUNCTIONS = {
    "exp": (exp, -745, 709),
    "expm1": (expm1, -40, 709),
    "expm1 near zero": (expm1, -1.5, 1.5),
    "tanh": (tanh, -20, 20),
    "tanh near zero": (tanh, -1.5, 1.5),
    "sigmoid": (lambda x: 1 / (1 + exp(-x)), -700, 40),
    "log": (log, 0, 1e6),
    "log near one": (log, 0.4, 2.5),
    "log1p": (log1p, -1, 1e6),
    "log1p near zero": (log1p, -0.6, 1.5),
}


def arguments(low, high, rng):
    even = rng.uniform(low, high, COUNT)
    small = 2.0 ** -rng.uniform(0, 1074, COUNT) * (rng.choice([-1, 1], COUNT) if low < 0 else 1)
    return np.concatenate([even, np.clip(small, low, high)]).tolist()


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    cases = {}
    for name, (function, low, high) in FUNCTIONS.items():
        x = arguments(low, high, rng)
        cases[name] = {"x": x, "y": [float(function(mpf(each))) for each in x]}
    write(
        "backend-simd",
        "elementary",
        ["mpmath", "numpy"],
        {"functions": cases},
        command="python bench/peers/reference_elementary.py",
    )
