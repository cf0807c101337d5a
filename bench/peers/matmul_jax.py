"""Products, and steps of the classical Runge-Kutta method, with jax on the CPU; prints JSON.

All steps of a solve are one jitted `fori_loop`; a product is a jitted function of its own. float32.

    python matmul_jax.py PROBLEM.json [--threads N]
"""

import json

import common
import jax
import jax.numpy as jnp
import matmul_common
from spiral_diffrax import limit_threads


@jax.jit
def product(a, b):
    return a @ b


def multiply(a, b, times):
    for _ in range(times):
        result = product(a, b)
        result.block_until_ready()
    return result


def field(params, y, activation):
    w1, b1, w2, b2 = params
    hidden = y @ w1 + b1
    return (jnp.tanh(hidden) if activation else hidden) @ w2 + b2


def solver(steps, h, activation):
    @jax.jit
    def solve(params, start):
        def step(_, y):
            k1 = field(params, y, activation)
            k2 = field(params, y + (h / 2) * k1, activation)
            k3 = field(params, y + (h / 2) * k2, activation)
            k4 = field(params, y + h * k3, activation)
            return y + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)

        return jax.lax.fori_loop(0, steps, step, start)

    return solve


def magnitude(result):
    return float(abs(jax.device_get(result).astype("float64")).mean())


def main():
    given = common.arguments(__doc__)
    problem = matmul_common.load_problem(given.problem)
    limit_threads(given.threads)
    named = {"system": "jax", "backend": "cpu", "threads": given.threads}
    rounds = problem["rounds"]
    rows = []
    for one in problem["products"]:
        a, b = jnp.asarray(one["a"], jnp.float32), jnp.asarray(one["b"], jnp.float32)
        times = one["times"]
        run = lambda: multiply(a, b, times)
        row = {**named, "work": "product", "shape": one["shape"]}
        rows.append(matmul_common.measure(rounds, times, run, magnitude, **row))
    for work, activation in (("step", True), ("step without tanh", False)):
        for one in problem["steps"]:
            params = [jnp.asarray(one[name], jnp.float32) for name in common.PARAMETERS]
            start = jnp.asarray(one["start"], jnp.float32)
            solve = solver(one["steps"], one["stepSize"], activation)
            run = lambda: solve(params, start).block_until_ready()
            row = {**named, "work": work, "shape": one["shape"]}
            rows.append(matmul_common.measure(rounds, one["steps"], run, magnitude, **row))
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
