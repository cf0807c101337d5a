"""Count how often a program that jax compiled evaluates a field, of which the field tells Python.

What is counted is the program as written: the compiler may leave out evaluations that nothing uses.
"""

import jax

evaluations = 0


def add_one():
    global evaluations
    evaluations += 1


def tell_of_evaluation():
    """To be called by a field; it slows the program down."""
    jax.debug.callback(add_one)


def evaluations_of(function, *given):
    """How often fields that tell of it are evaluated by `function`."""
    before = evaluations
    jax.block_until_ready(function(*given))
    jax.effects_barrier()
    return evaluations - before
