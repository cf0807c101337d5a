"""The work-precision bench with diffrax in float64; see work_precision.py.

Timed compiled, after a first run. Evaluations are counted in a second, untimed run, whose field tells
the host of each; for implicit methods they are not known, since differentiating the field for the
Jacobian would be counted too.
"""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import diffrax
import jax
import jax.numpy as jnp
from counted_evaluations import evaluations_of, tell_of_evaluation
from problem_fields import field
from work_precision import best_time, finish, row, tasks

jax.config.update("jax_enable_x64", True)

EXPLICIT = {
    "Dopri5": diffrax.Dopri5,
    "Tsit5": diffrax.Tsit5,
    "Dopri8": diffrax.Dopri8,
    "Bosh3": diffrax.Bosh3,
}
STIFF = {"Kvaerno5": diffrax.Kvaerno5}
MAX_STEPS = 20_000


def solver_of(task, method, counted):
    problem = task["problem"]
    f = field(problem, jnp)
    start, end = problem["times"][0], task["end"]

    def rates(t, y, args):
        if counted:
            tell_of_evaluation()
        return jnp.stack([jnp.asarray(value) + 0 * t for value in f(t, y)])

    @jax.jit
    def solve(y0, rtol):
        control = diffrax.PIDController(rtol=rtol, atol=rtol * problem["smallness"])
        term = diffrax.ODETerm(rates)
        solution = diffrax.diffeqsolve(
            term,
            method(),
            start,
            end,
            None,
            y0,
            stepsize_controller=control,
            max_steps=MAX_STEPS,
            throw=False,
        )
        # a solve that fails has no end
        return jnp.where(solution.result == diffrax.RESULTS.successful, solution.ys[-1], jnp.nan)

    return solve


def run_all(task, name, method):
    y0 = jnp.asarray(task["problem"]["y0"])
    timed = solver_of(task, method, False)
    counted = None if task["stiff"] else solver_of(task, method, True)
    for rtol in task["tolerances"]:
        if name == "Bosh3" and rtol < 1e-7:
            continue
        timed(y0, rtol).block_until_ready()
        milliseconds, y = best_time(lambda: timed(y0, rtol).block_until_ready())
        nfe = evaluations_of(counted, y0, rtol) if counted else None
        yield row(task, "diffrax", name, rtol, y.tolist(), nfe, milliseconds)


def main():
    finish(
        [
            each
            for task in tasks()
            for name, method in (STIFF if task["stiff"] else EXPLICIT).items()
            for each in run_all(task, name, method)
        ]
    )


if __name__ == "__main__":
    main()
