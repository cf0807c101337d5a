"""Products, and steps of the classical Runge-Kutta method, with jax on the CPU; prints JSON.

All steps of a solve are one jitted `fori_loop`; a product is a jitted function of its own. float32.

    python matmul_jax.py PROBLEM.json [--threads N]
"""

from cpu_jax import jax, limit_threads
import jax.numpy as jnp
import matmul_common


@jax.jit
def multiply(a, b):
    return a @ b


def product(problem):
    a, b = (jnp.asarray(problem[name], jnp.float32) for name in ("a", "b"))

    def run():
        for _ in range(problem["times"]):
            result = multiply(a, b)
            result.block_until_ready()
        return result

    return run


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


def solve(problem, activation):
    params = [jnp.asarray(problem[name], jnp.float32) for name in matmul_common.PARAMETERS]
    start = jnp.asarray(problem["start"], jnp.float32)
    compiled = solver(problem["steps"], problem["stepSize"], activation)
    return lambda: compiled(params, start).block_until_ready()


def magnitude(result):
    return float(abs(jax.device_get(result).astype("float64")).mean())


if __name__ == "__main__":
    matmul_common.main(__doc__, "jax", limit_threads, product, solve, magnitude)
