"""Train the ODE-Net with diffrax on the CPU, and print figures as JSON.

Two entries: gradient "direct" (RecursiveCheckpointAdjoint, diffrax's default) and "backsolve"
(BacksolveAdjoint). One iteration is one jitted function. Dopri5, PIDController with the problem's
tolerances, float32, pictures [batch, height, width, channels]. nfeForward comes from the solution's
statistics: 6 evaluations for every step tried and 1 at the first step; evaluations backward are not
counted.

    python odenet_diffrax.py PROBLEM.json [--threads N]
"""

from cpu_jax import jax
import diffrax
import jax.numpy as jnp
import optax
from diffrax_peer import main, train
from odenet_common import EPSILON, GROUPS, load_problem


def convolution(p, path, x, stride=1, padding=0):
    y = jax.lax.conv_general_dilated(
        x,
        p[f"{path}.weight"],
        (stride, stride),
        [(padding, padding), (padding, padding)],
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return y + p[f"{path}.bias"]


def norm(p, path, x):
    grouped = x.reshape(*x.shape[:3], GROUPS, -1)
    mean = grouped.mean((1, 2, 4), keepdims=True)
    variance = grouped.var((1, 2, 4), keepdims=True)
    y = ((grouped - mean) * jax.lax.rsqrt(variance + EPSILON)).reshape(x.shape)
    return y * p[f"{path}.scale"] + p[f"{path}.shift"]


def downsample(p, x):
    x = convolution(p, "downsampling.convolutions[0]", x)
    for i in (0, 1):
        x = jax.nn.relu(norm(p, f"downsampling.norms[{i}]", x))
        x = convolution(p, f"downsampling.convolutions[{i + 1}]", x, stride=2, padding=1)
    return x


def field(t, h, p):
    for i in (0, 1):
        h = jax.nn.relu(norm(p, f"middle.norms[{i}]", h))
        with_time = jnp.concatenate([jnp.full_like(h[..., :1], t), h], 3)
        h = convolution(p, f"middle.convolutions[{i}]", with_time, padding=1)
    return norm(p, "middle.norms[2]", h)


def scores(p, h):
    mean = jax.nn.relu(norm(p, "head.norm", h)).mean((1, 2))
    return mean @ p["head.scores.weight"] + p["head.scores.bias"]


def loss_of(problem, adjoint):
    tolerance = problem["tolerance"]
    pictures = jnp.asarray(problem["pictures"], jnp.float32)
    labels = jnp.asarray(problem["labels"])

    def loss(p):
        inside = {path: value for path, value in p.items() if path.startswith("middle.")}
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Dopri5(),
            t0=0.0,
            t1=1.0,
            dt0=None,
            y0=downsample(p, pictures),
            args=inside,
            stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
            adjoint=adjoint,
        )
        logits = scores(p, solution.ys[-1])
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean(), solution.stats["num_steps"]

    return loss


def run(problem, adjoint):
    optimiser = optax.sgd(problem["learningRate"], momentum=problem["momentum"])
    params = {
        path: jnp.asarray(values, jnp.float32) for path, values in problem["params"].items()
    }
    loss, libraries = loss_of(problem, adjoint), (jax, diffrax, optax)
    return train(problem, params, optimiser, loss, lambda _: (), libraries, norm=True)


if __name__ == "__main__":
    main(__doc__, load_problem, run)
