"""Train the planar flow with diffrax on the CPU, and print figures as JSON.

Two entries: gradient "direct" (RecursiveCheckpointAdjoint, diffrax's default) and "backsolve"
(BacksolveAdjoint). One iteration is one jitted function. Dopri5, PIDController with the problem's
tolerances, float32. nfeForward comes from the solution's statistics: 6 evaluations for every step
tried and 1 at the first step; evaluations backward are not counted.

    python cnf_diffrax.py PROBLEM.json [--threads N]
"""

import json
import math
import platform

import cnf_common
import common
import diffrax
import jax
import jax.numpy as jnp
import optax
from cnf_common import BLOCK, DIMENSION, WIDTH
from spiral_diffrax import EVALUATIONS_PER_STEP, limit_threads


def units(layers, t):
    x = jnp.reshape(t, (1, 1))
    for one in layers[:-1]:
        x = jnp.tanh(x @ one["weight"] + one["bias"])
    x = (x @ layers[-1]["weight"] + layers[-1]["bias"]).reshape(-1)
    w = x[:BLOCK].reshape(DIMENSION, WIDTH)
    u = x[BLOCK : 2 * BLOCK].reshape(WIDTH, DIMENSION)
    gates = jax.nn.sigmoid(x[2 * BLOCK : 3 * BLOCK].reshape(WIDTH, DIMENSION))
    return w, u * gates / WIDTH, x[3 * BLOCK :]


def field(t, state, layers):
    z, _ = state
    w, u, b = units(layers, t)
    h = jnp.tanh(z @ w + b)
    return h @ u, (1 - h * h) @ (w.T * u).sum(1)


def run(problem, gradient, adjoint, threads):
    x = jnp.asarray(problem["x"], jnp.float32)
    layers = jax.tree.map(
        lambda values: jnp.asarray(values, jnp.float32),
        problem["layers"],
        is_leaf=lambda node: isinstance(node, list) and not isinstance(node[0], dict),
    )
    tolerance = problem["tolerance"]

    def loss(params, points):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Dopri5(),
            t0=float(problem["end"]),
            t1=0.0,
            dt0=None,
            y0=(points, jnp.zeros(len(points))),
            args=params,
            stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
            adjoint=adjoint,
        )
        z, log_det = (leaf[-1] for leaf in solution.ys)
        base = -0.5 * (z**2).sum(1) - math.log(2 * math.pi)
        return -(base + log_det).mean(), solution.stats["num_steps"]

    optimiser = optax.adam(problem["learningRate"])
    carried = (layers, optimiser.init(layers))

    @jax.jit
    def iterate(params, state, points):
        (value, num_steps), grads = jax.value_and_grad(loss, has_aux=True)(params, points)
        updates, state = optimiser.update(grads, state)
        updated = (optax.apply_updates(params, updates), state)
        return updated, value, optax.global_norm(grads), num_steps

    norms, nfe = [], []

    def step(_):
        nonlocal carried
        carried, value, norm, num_steps = iterate(*carried, x)
        jax.block_until_ready(carried)
        norms.append(float(norm))
        nfe.append(EVALUATIONS_PER_STEP * int(num_steps) + 1)
        return float(value)

    milliseconds, losses = common.train(problem, step)
    return common.result(
        problem,
        milliseconds,
        losses,
        nfe[problem["warmup"] :],
        None,
        system="diffrax",
        backend="cpu",
        gradient=gradient,
        threads=threads,
        initialGradientNorm=norms[0],
        versions={
            "python": platform.python_version(),
            "jax": jax.__version__,
            "diffrax": diffrax.__version__,
        },
    )


def main():
    given = common.arguments(__doc__)
    problem = cnf_common.load_problem(given.problem)
    limit_threads(given.threads)
    adjoints = {
        "direct": diffrax.RecursiveCheckpointAdjoint(),
        "backsolve": diffrax.BacksolveAdjoint(),
    }
    results = [run(problem, *pair, given.threads) for pair in adjoints.items()]
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
