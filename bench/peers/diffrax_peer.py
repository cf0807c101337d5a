"""What the diffrax peers of the training benches share: two gradients, and training by one.

One training iteration is one jitted function. nfeForward comes from the solution's statistics.
"""

import json

import training
from cpu_jax import jax, limit_threads
import diffrax
import optax
from problem_file import arguments


def main(description, load_problem, run):
    """Print an entry for each gradient, of which `run(problem, adjoint)` gives the figures."""
    given = arguments(description)
    problem = load_problem(given.problem)
    limit_threads(given.threads)
    adjoints = {
        "direct": diffrax.RecursiveCheckpointAdjoint(),
        "backsolve": diffrax.BacksolveAdjoint(),
    }
    entries = []
    for gradient, adjoint in adjoints.items():
        named = {"system": "diffrax", "backend": "cpu", "gradient": gradient}
        entries.append({**named, "threads": given.threads, **run(problem, adjoint)})
    print(json.dumps(entries, indent=2))


def evaluations(num_steps):
    """Those of Dopri5: 6 for every step tried, and 1 more at the first step.

    Of its 7 stages the first one is taken over from the step before.
    """
    return 6 * int(num_steps) + 1


def iteration(loss, optimiser, norm=False):
    """Gradient and update as one jitted function of the parameters, the optimiser's state and data.

    `loss(params, *data)` returns its value and the number of steps tried. The function returns
    parameters and state as a pair, the value, the number of steps, and the norm of the gradient
    if it is asked for.
    """

    @jax.jit
    def iterate(params, state, *data):
        (value, num_steps), gradient = jax.value_and_grad(loss, has_aux=True)(params, *data)
        updates, state = optimiser.update(gradient, state)
        updated = (optax.apply_updates(params, updates), state)
        return updated, value, num_steps, optax.global_norm(gradient) if norm else None

    return iterate


def train(problem, params, optimiser, loss, data, libraries, norm=False):
    """Train with a loss as `iteration` takes it, for which `data(batch)` gives its data.

    `norm` says whether each iteration reads that of its gradient. Evaluations backward are not
    counted.
    """
    iterate = iteration(loss, optimiser, norm)
    carried = (params, optimiser.init(params))
    nfe, norms = [], []

    def step(batch):
        nonlocal carried
        carried, value, num_steps, gradient_norm = iterate(*carried, *data(batch))
        jax.block_until_ready(carried)
        nfe.append(evaluations(num_steps))
        if norm:
            norms.append(float(gradient_norm))
        return float(value)

    milliseconds, losses = training.train(problem, step)
    return {
        **({"initialGradientNorm": norms[0]} if norm else {}),
        "versions": training.versions(*libraries),
        **training.figures(problem, milliseconds, losses, nfe[problem["warmup"] :], None),
    }
