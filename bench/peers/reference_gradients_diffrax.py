"""Gradients by diffrax of the problems of reference_gradients.py, for the tests of the package `adjoint`.

The problems are read from the files that reference_gradients.py wrote; the gradient is by y0 and every
parameter, through diffrax's Dopri5 and its default adjoint (the steps are differentiated), in float64.

    python bench/peers/reference_gradients_diffrax.py
"""

import json

import diffrax
import jax
import jax.numpy as jnp
from reference_files import ROOT, write

jax.config.update("jax_enable_x64", True)
TOLERANCE = 1e-11
NAMES = ("gradients-autonomous", "gradients-time-dependent")


def field(t, y, p):
    hidden = y @ p["w1"] + p["b1"]
    if "wt" in p:
        hidden = hidden + t * p["wt"]
    return jnp.tanh(hidden) @ p["w2"] + p["b2"]


def gradients(name):
    problem = json.loads((ROOT / f"packages/adjoint/test/reference/{name}.json").read_text())
    times, weights = jnp.array(problem["times"]), jnp.array(problem["weights"])
    inputs = {key: jnp.array(value) for key, value in problem["parameters"].items()}
    inputs["y0"] = jnp.array(problem["y0"])

    def loss(p):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Dopri5(),
            times[0],
            times[-1],
            None,
            p["y0"],
            args=p,
            saveat=diffrax.SaveAt(ts=times),
            # Steps end at the times, since an interpolant is less accurate than a step.
            stepsize_controller=diffrax.ClipStepSizeController(
                diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE), step_ts=times
            ),
        )
        return jnp.sum(weights * solution.ys)

    return {key: value.tolist() for key, value in jax.grad(loss)(inputs).items()}


if __name__ == "__main__":
    write(
        "adjoint",
        "gradients-diffrax",
        ("jax", "diffrax"),
        {
            "method": {"name": "Dopri5, RecursiveCheckpointAdjoint", "rtol": TOLERANCE, "atol": TOLERANCE},
            "gradients": {name: gradients(name) for name in NAMES},
        },
        command="python bench/peers/reference_gradients_diffrax.py",
    )
