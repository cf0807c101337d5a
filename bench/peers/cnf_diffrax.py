"""Train the planar flow with diffrax on the CPU, and print figures as JSON.

Two entries: gradient "direct" (RecursiveCheckpointAdjoint, diffrax's default) and "backsolve"
(BacksolveAdjoint). One iteration is one jitted function. Dopri5, PIDController with the problem's
tolerances, float32. nfeForward comes from the solution's statistics: 6 evaluations for every step
tried and 1 at the first step; evaluations backward are not counted.

    python cnf_diffrax.py PROBLEM.json [--threads N]
"""

import math

from cnf_common import BLOCK, DIMENSION, WIDTH, load_problem
from cpu_jax import jax
import diffrax
import jax.numpy as jnp
import optax
from diffrax_peer import main, train


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


def run(problem, adjoint):
    x = jnp.asarray(problem["x"], jnp.float32)
    layers = [
        {name: jnp.asarray(values, jnp.float32) for name, values in layer.items()}
        for layer in problem["layers"]
    ]
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
    libraries = (jax, diffrax)
    return train(problem, layers, optimiser, loss, lambda _: (x,), libraries, norm=True)


if __name__ == "__main__":
    main(__doc__, load_problem, run)
