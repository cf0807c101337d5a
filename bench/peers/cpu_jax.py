"""Import JAX for the CPU alone, and limit its threads.

A script that limits them writes `from cpu_jax import jax` before it imports anything that uses jax.
"""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax

__all__ = ["jax", "limit_threads"]


def limit_threads(threads):
    """Set XLA's threads. It reads these when the first array is made, so this comes before any."""
    many = "true" if threads > 1 else "false"
    os.environ["XLA_FLAGS"] = (
        f"--xla_cpu_multi_thread_eigen={many} intra_op_parallelism_threads={threads}"
    )
    os.environ["NPROC"] = str(threads)  # the size of XLA's own thread pool
