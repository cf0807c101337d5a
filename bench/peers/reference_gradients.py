"""Gradients of a loss on an ODE solution, for the tests of the TypeScript package `adjoint`.

The field is a small tanh network (2 to 5 to 2), once without time and once with; the loss is
sum(weights * ys) at five irregular times, the first of them the start. The gradient is taken with
respect to y0, every parameter and every time.

It is computed by autograd through many equal steps of RK4 between each two times. The steps' size
depends on the times, so the times get their gradient too, and 1000 steps leave an error near the
rounding of float64 (2000 change the gradients by less than 1e-12). Three other ways must agree to
1e-9 before anything is written: autograd through torchdiffeq's dopri5 (but for the times), its
adjoint equation, and central differences of scipy's DOP853.
"""

import numpy as np
from cpu_torch import torch
import torchdiffeq
from reference_files import write
from scipy.integrate import solve_ivp
from torch import nn

AGREEMENT = 1e-9
TIGHT = 3e-14  # scipy refuses less than 100 times the rounding of float64
STEPS = 1000
SHAPES = {"w1": (2, 5), "b1": (5,), "w2": (5, 2), "b2": (2,)}
FIELDS = {
    "autonomous": ("tanh(y w1 + b1) w2 + b2", SHAPES),
    "time-dependent": ("tanh(y w1 + t wt + b1) w2 + b2", {**SHAPES, "wt": (5,)}),
}


def make_problem(name):
    """Parameters, y0, times and weights: fixed, with four decimals, to read well in the file."""
    equation, shapes = FIELDS[name]
    random = np.random.default_rng(1806)
    draw = lambda shape, scale: random.normal(0, scale, shape).round(4)
    inputs = {parameter: draw(shape, 0.8) for parameter, shape in shapes.items()}
    inputs["y0"] = draw((3, 2), 1)
    inputs["times"] = np.array([0.3, 0.55, 1.2, 1.35, 2.1])
    return equation, inputs, draw((5, 3, 2), 1)


def field(t, y, p, tanh):
    """The right-hand side, for torch and numpy alike; without time there is no wt."""
    hidden = y @ p["w1"] + p["b1"]
    if "wt" in p:
        hidden = hidden + t * p["wt"]
    return tanh(hidden) @ p["w2"] + p["b2"]


def solve_by_rk4(p):
    """ys at the times, by STEPS equal steps from each time to the next."""
    f = lambda t, y: field(t, y, p, torch.tanh)
    y, ys = p["y0"], [p["y0"]]
    for start, end in zip(p["times"][:-1], p["times"][1:]):
        h = (end - start) / STEPS
        for i in range(STEPS):
            t = start + i * h
            k1 = f(t, y)
            k2 = f(t + h / 2, y + h / 2 * k1)
            k3 = f(t + h / 2, y + h / 2 * k2)
            k4 = f(t + h, y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        ys.append(y)
    return torch.stack(ys)


class Module(nn.Module):
    """The field as torchdiffeq's adjoint wants it: a module that owns its parameters."""

    def __init__(self, p):
        super().__init__()
        self.p = nn.ParameterDict({k: v for k, v in p.items() if k not in ("y0", "times")})

    def forward(self, t, y):
        return field(t, y, self.p, torch.tanh)


def gradient(inputs, weights, solve):
    """ys, loss and the gradient of every input, by backpropagation through `solve`."""
    p = {k: nn.Parameter(torch.tensor(v, dtype=torch.float64)) for k, v in inputs.items()}
    ys = solve(p)
    loss = (torch.tensor(weights) * ys).sum()
    loss.backward()
    return ys.detach().numpy(), loss.item(), {k: v.grad.numpy() for k, v in p.items()}


def solve_by_torchdiffeq(odeint):
    """A solve from leaves: parameters, initial state and times all get a gradient."""

    def solve(p):
        return odeint(Module(p), p["y0"], p["times"], rtol=1e-12, atol=1e-12, method="dopri5")

    return solve


def central_differences(inputs, weights):
    """The gradient from loss values alone, by a solver that shares nothing with the others.

    Four points, so that the step may be wide: the solver's own noise of 1e-13 is divided by the
    step, while the formula's error goes with step^4.
    """
    step = 1e-3

    def loss(p):
        f = lambda t, y: field(t, y.reshape(3, 2), p, np.tanh).ravel()
        ys = [p["y0"].ravel()]
        # One solve from each time to the next, since an interpolant is less accurate than a step.
        for span in zip(p["times"][:-1], p["times"][1:]):
            ys.append(solve_ivp(f, span, ys[-1], "DOP853", rtol=TIGHT, atol=TIGHT).y[:, -1])
        return float((weights.reshape(5, 6) * np.array(ys)).sum())

    def moved(name, index, by):
        value = inputs[name].copy()
        value[index] += by
        return loss({**inputs, name: value})

    def derivative(name, index):
        near = moved(name, index, step) - moved(name, index, -step)
        far = moved(name, index, 2 * step) - moved(name, index, -2 * step)
        return (8 * near - far) / (12 * step)

    return {
        name: np.array([derivative(name, i) for i in np.ndindex(value.shape)]).reshape(value.shape)
        for name, value in inputs.items()
    }


def greatest_difference(ours, other, names):
    return max(float(np.abs(ours[name] - other[name]).max()) for name in names)


def write_problem(name):
    equation, inputs, weights = make_problem(name)
    ys, loss, gradients = gradient(inputs, weights, solve_by_rk4)
    but_times = [key for key in inputs if key != "times"]
    # torchdiffeq's odeint reads the times from an interpolant, whose slope is right to 1e-8 only.
    _, _, direct = gradient(inputs, weights, solve_by_torchdiffeq(torchdiffeq.odeint))
    _, _, adjoint = gradient(inputs, weights, solve_by_torchdiffeq(torchdiffeq.odeint_adjoint))
    checked = {
        "torchdiffeq odeint, dopri5, rtol 1e-12, all but times": greatest_difference(
            gradients, direct, but_times
        ),
        "torchdiffeq odeint_adjoint, dopri5, rtol 1e-12": greatest_difference(
            gradients, adjoint, inputs
        ),
        "central differences of scipy DOP853, rtol 3e-14": greatest_difference(
            gradients, central_differences(inputs, weights), inputs
        ),
    }
    print(name, checked)
    if not max(checked.values()) < AGREEMENT:
        raise RuntimeError(f"{name}: the gradients differ too much: {checked}")
    content = {
        "problem": name,
        "equation": f"y' = {equation}; y has 3 rows, one a trajectory",
        "loss": "sum(weights * ys), ys[0] = y0",
        "method": {"name": "torch autograd through RK4, float64", "stepsPerInterval": STEPS},
        "checked": {"maxDifferenceOfGradients": checked},
        "parameters": {key: inputs[key].tolist() for key in FIELDS[name][1]},
        "y0": inputs["y0"].tolist(),
        "times": inputs["times"].tolist(),
        "weights": weights.tolist(),
        "ys": ys.tolist(),
        "value": loss,
        "gradients": {key: value.tolist() for key, value in gradients.items()},
    }
    write("adjoint", f"gradients-{name}", ("numpy", "scipy", "torch", "torchdiffeq"), content)


def write_all():
    for name in FIELDS:
        write_problem(name)
