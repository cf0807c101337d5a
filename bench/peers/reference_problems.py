"""Reference solutions of the test problems; `npm run bench -- references` runs this.

    python reference_problems.py PROBLEMS.json DETEST_OR_STIFF

Two codes of nothing in common with ours, nor with each other but the equations:

1. Collocation at nine Radau points (order 17) in long double, on the mesh that scipy's Radau chose;
   each step solved by Newton's iteration with exact Jacobians (jax), to rounding. That mesh holds
   errors of 1e-8 with a formula of order 5; with one of order 17 nothing but rounding is left.
2. scipy's solve_ivp, DOP853 where a problem is not stiff, else Radau, as tight as it goes in float64.

A third witness are published end values, to as many digits as their sources have.
The derivatives of each collocation step also give the condition of the problem: how far small errors
made on the way can grow.
"""

import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import legendre
from problem_fields import field, load
from reference_files import write
from scipy.integrate import solve_ivp

jax.config.update("jax_enable_x64", True)

STAGES = 9
LONG = np.longdouble
COMMAND = "npm run bench -- references"
# The ring modulator oscillates so fast that it takes ten times the steps of any other problem.
MESH = {"ringmod": 1e-6}
SECOND = {"ringmod": 1e-9}


def radau_points():
    """Nodes of Radau's quadrature on (0, 1], the right end included, to long double by Newton."""
    # (P_s - P_{s-1})(x) on [-1, 1] vanishes at the nodes.
    series = np.zeros(STAGES + 1)
    series[STAGES], series[STAGES - 1] = 1, -1
    nodes = np.sort(legendre.legroots(series).real).astype(LONG)
    nodes[-1] = 1
    slope = legendre.legder(series.astype(LONG))
    for _ in range(4):
        nodes[:-1] -= legendre.legval(nodes[:-1], series.astype(LONG)) / legendre.legval(
            nodes[:-1], slope
        )
    return (nodes + 1) / 2


def integration_matrix(c):
    """a[i, j]: the integral from 0 to c[i] of Lagrange's polynomial j on the nodes, in long double."""
    a = np.zeros((STAGES, STAGES), dtype=LONG)
    for j in range(STAGES):
        # Newton's form would do; products of nine linear factors lose nothing in long double here.
        others = np.delete(c, j)
        polynomial = np.array([1], dtype=LONG)
        for other in others:
            polynomial = np.convolve(polynomial, np.array([1, -other], dtype=LONG)) / (c[j] - other)
        powers = np.arange(STAGES, 0, -1)
        antiderivative = np.concatenate([polynomial / powers, [LONG(0)]])
        a[:, j] = [np.polyval(antiderivative, each) for each in c]
    return a


C = radau_points()
A = integration_matrix(C)


class Collocation:
    """Steps of one problem."""

    def __init__(self, problem):
        self.field = field(problem, np)
        on_jax = field(problem, jnp)
        jacobian = jax.jacfwd(lambda t, y: jnp.stack([jnp.asarray(v) + 0 * t for v in on_jax(t, y)]), 1)
        self.jacobians = jax.jit(jax.vmap(jacobian))
        self.jacobian = jax.jit(jacobian)
        self.n = len(problem["y0"])
        self.smallness = 1e-3 * problem["smallness"]

    def rates(self, t, ys):
        """f at all nodes: rows of `ys` are nodes."""
        values = self.field(t, ys.T)
        return np.stack([np.broadcast_to(np.asarray(v, dtype=LONG), t.shape) for v in values], 1)

    def step(self, t, h, y, guess):
        """The state after a step, and its derivative by the state before."""
        n, ys, times = self.n, guess, t + h * C
        last = np.inf
        for iteration in range(12):
            residual = y + h * (A @ self.rates(times, ys)) - ys
            if iteration < 4:
                jacobians = np.asarray(
                    self.jacobians(times.astype(float), ys.astype(float)), dtype=float
                )
                blocks = float(h) * A.astype(float)[:, :, None, None] * jacobians[None]
                matrix = np.eye(STAGES * n) - blocks.transpose(0, 2, 1, 3).reshape(
                    STAGES * n, STAGES * n
                )
                inverse = np.linalg.inv(matrix)
            # Rows of a stiff matrix differ by many powers of ten: refine the solution of the linear system once.
            right = residual.reshape(-1)
            change = inverse @ right.astype(float)
            left = (right - matrix.astype(LONG) @ change).astype(float)
            change = (change + inverse @ left).reshape(STAGES, n)
            ys = ys + change
            size = np.max(np.abs(change) / (np.max(np.abs(ys), 0) + self.smallness))
            if size < 1e-17 or (size >= last and size < 1e-12):
                break
            last = size
        else:
            raise RuntimeError(f"no convergence at t = {t}: {size}")
        start = np.tile(np.eye(n), (STAGES, 1))
        return ys[-1], (inverse @ start)[-n:]


def collocate(code, y0, mesh, dense):
    """States at the ends of steps, and their derivatives by the states before."""
    states, derivatives = [np.array(y0, dtype=LONG)], []
    for start, end in zip(mesh[:-1], mesh[1:]):
        guess = dense(start + (end - start) * C.astype(float)).T.astype(LONG)
        y, derivative = code.step(LONG(start), LONG(end) - LONG(start), states[-1], guess)
        states.append(y)
        derivatives.append(derivative)
    return states, derivatives


def solved(problem, method, rtol, jacobian=None):
    times = problem["times"]
    f = field(problem, np)
    return solve_ivp(
        lambda t, y: f(t, y),
        (times[0], times[-1]),
        problem["y0"],
        method,
        rtol=rtol,
        atol=rtol * problem["smallness"],
        dense_output=True,
        **({"jac": jacobian} if jacobian else {}),
    )


def conditions(problem, mesh, states, derivatives):
    """For each of the problem's times: how far errors of one tolerance each can grow until then."""
    scale = problem["smallness"] + np.abs(np.array(states, dtype=float))
    found = []
    for time in problem["times"][1:]:
        last = int(np.searchsorted(mesh, time))
        to_end, largest = np.eye(len(problem["y0"])), 1.0
        for k in range(last - 1, -1, -1):
            to_end = to_end @ derivatives[k]
            weighted = to_end * scale[k][None, :] / scale[last][:, None]
            largest = max(largest, float(np.linalg.norm(weighted, 2)))
        found.append(largest)
    return found


def difference(problem, a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return float(np.max(np.abs(a - b) / (problem["smallness"] + np.abs(b))))


def refer(problem, stiff):
    name, times = problem["name"], problem["times"]
    code = Collocation(problem)
    jacobian = lambda t, y: np.asarray(code.jacobian(t, jnp.asarray(y)))
    first = solved(problem, "Radau", MESH.get(name, 1e-8), jacobian)
    mesh = np.unique(np.concatenate([first.t, times]))
    states, derivatives = collocate(code, problem["y0"], mesh, first.sol)
    at = [int(np.searchsorted(mesh, time)) for time in times[1:]]
    ys = [states[k].astype(float) for k in at]
    if stiff:
        second = solved(problem, "Radau", SECOND.get(name, 1e-12), jacobian)
    else:
        second = solved(problem, "DOP853", 3e-14)
    agreement = max(difference(problem, second.sol(t), y) for t, y in zip(times[1:], ys))
    published = problem["published"]
    slip = difference(problem, published, ys[-1][: len(published)])
    print(f"{name}: {len(mesh)} steps, {agreement:.1e}, published {slip:.1e}", file=sys.stderr)
    return {
        "ys": [y.tolist() for y in ys],
        "conditions": [float(f"{c:.3g}") for c in conditions(problem, mesh, states, derivatives)],
        "agreement": float(f"{agreement:.1e}"),
        "published": float(f"{slip:.1e}"),
    }


def main():
    path, name = sys.argv[1:]
    problems = load(path)
    found = {key: refer(problem, name == "stiff") for key, problem in problems.items()}
    second = "Radau" if name == "stiff" else "DOP853"
    content = {
        "method": f"collocation at {STAGES} Radau points in long double, on a mesh of scipy's Radau",
        "checked": f"against scipy's {second}: agreement; against published values: published",
        "problems": found,
    }
    packages = ("numpy", "scipy", "jax")
    write("test-problems", name, packages, content, folder="references", command=COMMAND)


if __name__ == "__main__":
    main()
