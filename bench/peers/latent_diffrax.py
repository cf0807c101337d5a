"""Train the latent ODE with diffrax on the CPU, and print figures as JSON.

Two entries: gradient "direct" (RecursiveCheckpointAdjoint, diffrax's default) and "backsolve"
(BacksolveAdjoint). One training iteration is one jitted function. Dopri5, PIDController with the
problem's tolerances, float32. nfeForward comes from the solution's statistics: 6 evaluations for
every step tried and 1 at the first step; evaluations backward are not counted.

    python latent_diffrax.py PROBLEM.json [--threads N]
"""

import json
import math
import platform

import common
import diffrax
import jax
import jax.numpy as jnp
import latent_common
import optax
from latent_common import HIDDEN, LATENT
from spiral_diffrax import EVALUATIONS_PER_STEP, limit_threads


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


def run(problem, gradient, adjoint, threads):
    loss = loss_function(problem, adjoint)
    series = jnp.asarray(problem["series"], jnp.float32)
    layers = [
        {name: jnp.asarray(values, jnp.float32) for name, values in layer.items()}
        for layer in problem["layers"]
    ]
    optimiser = optax.adam(problem["learningRate"])
    carried = (layers, optimiser.init(layers))

    @jax.jit
    def iterate(params, state, noise):
        (value, num_steps), grads = jax.value_and_grad(loss, has_aux=True)(params, series, noise)
        updates, state = optimiser.update(grads, state)
        return (optax.apply_updates(params, updates), state), value, num_steps

    nfe = []

    def step(noise):
        nonlocal carried
        carried, value, num_steps = iterate(*carried, jnp.asarray(noise, jnp.float32))
        nfe.append(EVALUATIONS_PER_STEP * int(num_steps) + 1)
        jax.block_until_ready(carried)
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
        versions={
            "python": platform.python_version(),
            "jax": jax.__version__,
            "diffrax": diffrax.__version__,
            "optax": optax.__version__,
        },
    )


def main():
    given = common.arguments(__doc__)
    problem = latent_common.load_problem(given.problem)
    limit_threads(given.threads)
    adjoints = {
        "direct": diffrax.RecursiveCheckpointAdjoint(),
        "backsolve": diffrax.BacksolveAdjoint(),
    }
    results = [run(problem, *pair, given.threads) for pair in adjoints.items()]
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
