"""Train the latent ODE with diffrax on the CPU, and print figures as JSON.

Two entries: gradient "direct" (RecursiveCheckpointAdjoint, diffrax's default) and "backsolve"
(BacksolveAdjoint). One training iteration is one jitted function. Dopri5, PIDController with the
problem's tolerances, float32. nfeForward comes from the solution's statistics: 6 evaluations for
every step tried and 1 at the first step; evaluations backward are not counted.

    python latent_diffrax.py PROBLEM.json [--threads N]
"""

import math

from cpu_jax import jax
import diffrax
import jax.numpy as jnp
import optax
from diffrax_peer import main, train
from latent_common import HIDDEN, LATENT, load_problem


def apply(layer, x):
    return x @ layer["weight"] + layer["bias"]


def field(t, z, layers):
    first, second, third = layers
    return apply(third, jax.nn.elu(apply(second, jax.nn.elu(apply(first, z)))))


def encode(layers, series):
    cell, readout = layers

    def step(h, x):
        return jnp.tanh(apply(cell, jnp.concatenate((x, h), axis=1))), None

    start = jnp.zeros((series.shape[1], HIDDEN))
    last, _ = jax.lax.scan(step, start, series, reverse=True)
    both = apply(readout, last)
    return both[:, :LATENT], both[:, LATENT:]


def loss_function(problem, adjoint):
    times = jnp.asarray(problem["times"], jnp.float32)
    deviation = problem["noiseDeviation"]
    constant = len(times) * 2 * (math.log(deviation) + 0.5 * math.log(2 * math.pi))

    def loss(layers, series, noise):
        mean, log_variance = encode(layers[:2], series)
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Dopri5(),
            t0=times[0],
            t1=times[-1],
            dt0=None,
            y0=mean + jnp.exp(0.5 * log_variance) * noise,
            args=layers[2:5],
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=problem["rtol"], atol=problem["atol"]),
            adjoint=adjoint,
        )
        decoded = apply(layers[6], jax.nn.relu(apply(layers[5], solution.ys)))
        count = series.shape[1]
        misfit = ((series - decoded) ** 2).sum() / (2 * deviation**2 * count)
        divergence = (mean**2 + jnp.exp(log_variance) - log_variance - 1).sum() / (2 * count)
        return misfit + constant + divergence, solution.stats["num_steps"]

    return loss


def run(problem, adjoint):
    series = jnp.asarray(problem["series"], jnp.float32)
    layers = [
        {name: jnp.asarray(values, jnp.float32) for name, values in layer.items()}
        for layer in problem["layers"]
    ]

    def data(noise):
        return series, jnp.asarray(noise, jnp.float32)

    optimiser = optax.adam(problem["learningRate"])
    loss = loss_function(problem, adjoint)
    return train(problem, layers, optimiser, loss, data, (jax, diffrax, optax))


if __name__ == "__main__":
    main(__doc__, load_problem, run)
