"""Train the public spiral example with diffrax on the CPU, and print figures as JSON.

Two entries: gradient "direct" (RecursiveCheckpointAdjoint, diffrax's default: the steps are
differentiated, replayed from checkpoints) and "backsolve" (BacksolveAdjoint). One training
iteration is one jitted function. Dopri5, PIDController with rtol 1e-7 and atol 1e-9, float32 state
and time, at most 4096 steps (the default; a solve that needs more is an error). `dt0=None`, that
is, diffrax chooses; in 0.7.2 this always gives a first step of 0.01, since its test for an ODE term
fails on the wrapped term that it is handed.

nfeForward comes from the solution's statistics: 6 evaluations for every step tried (7 stages, the
first one taken over from the step before), and 1 more at the first step.

nfeBackward is counted, off the clock: a second copy of the loss and its gradient, whose field tells
Python of each evaluation, runs at the parameters and batch of each measured iteration. What the
gradient takes beyond the loss is nfeBackward: with "direct" the replay of steps from checkpoints,
with "backsolve" the evaluations of the adjoint equation. It holds for the program as written; the
compiler may leave out parts of a replay that nothing uses. Counted forward evaluations must be
those of the statistics, or nfeBackward is null and a line on stderr says so.

    python spiral_diffrax.py PROBLEM.json [--threads N]
"""

import sys
from functools import partial

import training
from counted_evaluations import evaluations_of, tell_of_evaluation
from cpu_jax import jax
import diffrax
import equinox
import jax.numpy as jnp
import optax
from diffrax_peer import evaluations, iteration, main
from spiral_common import ATOL, BATCH_TIME, LEARNING_RATE, PARAMETERS, RTOL, load_problem


def field(t, y, p):
    return jnp.tanh(y**3 @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]


def counted_field(t, y, p):
    tell_of_evaluation()
    return field(t, y, p)


def solve(vector_field, adjoint, params, y0, times):
    return diffrax.diffeqsolve(
        diffrax.ODETerm(vector_field),
        diffrax.Dopri5(),
        t0=times[0],
        t1=times[-1],
        dt0=None,
        y0=y0,
        args=params,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL),
        adjoint=adjoint,
    )


class Run:
    """One training run: its parameters, and the jitted functions that train it and count."""

    def __init__(self, problem, adjoint):
        true_y = jnp.asarray(problem["trueY"], jnp.float32)
        times = jnp.asarray(problem["times"][:BATCH_TIME], jnp.float32)
        offsets = jnp.arange(BATCH_TIME)[:, None]
        # With these settings optax's RMSprop is torch's: alpha 0.99, eps added outside the root.
        optimiser = optax.rmsprop(LEARNING_RATE, decay=0.99, eps=1e-8, eps_in_sqrt=False)
        self.params = {name: jnp.asarray(problem[name], jnp.float32) for name in PARAMETERS}
        self.state = optimiser.init(self.params)

        def loss(vector_field, params, starts):
            solution = solve(vector_field, adjoint, params, true_y[starts], times)
            target = true_y[starts + offsets]  # [10 times, 20 curves, 2]
            return jnp.abs(solution.ys - target).mean(), solution.stats["num_steps"]

        self.iterate = iteration(partial(loss, field), optimiser)
        self.gradient = jax.jit(jax.grad(partial(loss, field), has_aux=True))
        counted_loss = partial(loss, counted_field)
        self.counted_loss = jax.jit(counted_loss)
        self.counted_gradient = jax.jit(jax.value_and_grad(counted_loss, has_aux=True))


def count_run(problem, run, visited):
    """Evaluations of each measured iteration, forward and backward (None if they do not add up)."""
    measured = visited[problem["warmup"] :]
    forward = [evaluations(num_steps) for _, _, num_steps in measured]
    counted = [evaluations_of(run.counted_loss, params, starts) for params, starts, _ in measured]
    if counted != forward:
        print("diffrax: evaluations counted are not those of its statistics", file=sys.stderr)
        return forward, None
    total = [evaluations_of(run.counted_gradient, params, starts) for params, starts, _ in measured]
    return forward, [both - there for both, there in zip(total, forward)]


def train(problem, adjoint):
    """Train from the problem's initial parameters with one kind of gradient; return its figures."""
    run = Run(problem, adjoint)
    initial = run.params
    visited = []

    def step(batch):
        starts = jnp.asarray(batch)
        before = run.params
        (run.params, run.state), value, num_steps, _ = run.iterate(before, run.state, starts)
        loss = float(value)
        jax.block_until_ready(run.params)
        visited.append((before, starts, num_steps))
        return loss

    milliseconds, losses = training.train(problem, step)
    first_gradient, _ = run.gradient(initial, jnp.asarray(problem["batches"][0]))
    nfe_forward, nfe_backward = count_run(problem, run, visited)
    return {
        "initialGradientNorm": float(optax.global_norm(first_gradient)),
        "versions": training.versions(jax, diffrax, equinox, optax),
        **training.figures(problem, milliseconds, losses, nfe_forward, nfe_backward),
    }


if __name__ == "__main__":
    main(__doc__, load_problem, train)
