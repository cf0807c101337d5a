"""Scores and gradients of the picture networks of the package `odenet` by torch and torchdiffeq, in float64.

The same networks, written as the authors' public example describes them, with the same weights. The ODE block is
solved by torchdiffeq's "rk4" (the 3/8 rule) in eight steps, since the relus of the field keep adaptive solvers from
agreeing to many digits; and differentiated through its steps, and by its adjoint.

    python bench/peers/reference_odenet.py
"""

from cpu_torch import torch
from reference_files import write
from torch.nn import functional as F
from torchdiffeq import odeint, odeint_adjoint

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
CHANNELS, SIDE, CLASSES = 4, 14, 3


def convolution(inputs, outputs, kernel, bias=True):
    weight = torch.randn(outputs, inputs, kernel, kernel) / (kernel * inputs**0.5)
    p = {"weight": weight.round(decimals=4)}
    return {**p, "bias": torch.randn(outputs).round(decimals=4)} if bias else p


def norm(channels):
    return {
        "scale": (1 + 0.3 * torch.randn(channels)).round(decimals=4),
        "shift": (0.3 * torch.randn(channels)).round(decimals=4),
    }


def conv(p, x, **settings):
    return F.conv2d(x, p["weight"], p.get("bias"), **settings)


def normal(p, x):
    return F.group_norm(x, min(32, x.shape[1]), p["scale"], p["shift"])


def residual_params(halving):
    c = CHANNELS
    p = {
        "norms": [norm(c), norm(c)],
        "convolutions": [convolution(c, c, 3, False), convolution(c, c, 3, False)],
    }
    return {**p, "shortcut": convolution(c, c, 1, False)} if halving else p


def residual(p, x):
    active = normal(p["norms"][0], x).relu()
    halving = "shortcut" in p
    y = conv(p["convolutions"][0], active, padding=1, stride=2 if halving else 1)
    y = conv(p["convolutions"][1], normal(p["norms"][1], y).relu(), padding=1)
    return y + (conv(p["shortcut"], active, stride=2) if halving else x)


def downsampling_params(kind):
    c = CHANNELS
    if kind == "residual":
        blocks = [residual_params(True), residual_params(True)]
        return {"convolutions": [convolution(1, c, 3)], "norms": [], "blocks": blocks}
    convolutions = [convolution(1, c, 3), convolution(c, c, 4), convolution(c, c, 4)]
    return {"convolutions": convolutions, "norms": [norm(c), norm(c)], "blocks": []}


def downsample(p, x):
    y = conv(p["convolutions"][0], x)
    for n, c in zip(p["norms"], p["convolutions"][1:]):
        y = conv(c, normal(n, y).relu(), stride=2, padding=1)
    for block in p["blocks"]:
        y = residual(block, y)
    return y


def field(p, t, h):
    def with_time(x):
        return torch.cat([torch.ones_like(x[:, :1]) * t, x], 1)

    y = conv(p["convolutions"][0], with_time(normal(p["norms"][0], h).relu()), padding=1)
    y = conv(p["convolutions"][1], with_time(normal(p["norms"][1], y).relu()), padding=1)
    return normal(p["norms"][2], y)


SPAN = torch.tensor([0.0, 1.0])
STEPS = {"method": "rk4", "options": {"step_size": 0.125}}


def odenet_middle(p, x):
    return odeint(lambda t, h: field(p, t, h), x, SPAN, **STEPS)[-1]


def adjoint_middle(p, x):
    parameters = tuple(leaves(p))
    return odeint_adjoint(lambda t, h: field(p, t, h), x, SPAN, adjoint_params=parameters, **STEPS)[-1]


def resnet_middle(blocks, x):
    for block in blocks:
        x = residual(block, x)
    return x


def head(p, x):
    mean = normal(p["norm"], x).relu().mean((2, 3))
    return mean @ p["scores"]["weight"] + p["scores"]["bias"]


def leaves(tree):
    if isinstance(tree, torch.Tensor):
        return [tree]
    children = tree.values() if isinstance(tree, dict) else tree
    return [leaf for child in children for leaf in leaves(child)]


def ours(tree, of):
    """In the layouts of the project: convolutions are [kernel, kernel, inputs, outputs]."""
    if isinstance(tree, dict):
        return {name: ours(child, of) for name, child in tree.items()}
    if isinstance(tree, list):
        return [ours(child, of) for child in tree]
    value = of(tree)
    return (value.permute(2, 3, 1, 0) if value.dim() == 4 else value).tolist()


def case(kind, middle_params, middle):
    c = CHANNELS
    head_params = {
        "norm": norm(c),
        "scores": {"weight": torch.randn(c, CLASSES), "bias": torch.randn(CLASSES)},
    }
    params = {
        "downsampling": downsampling_params(kind),
        "middle": middle_params,
        "head": head_params,
    }
    for leaf in leaves(params):
        leaf.requires_grad_()
    x = torch.rand(2, 1, SIDE, SIDE).round(decimals=3)
    labels = torch.tensor([2, 0])
    scores = head(params["head"], middle(params["middle"], downsample(params["downsampling"], x)))
    loss = F.cross_entropy(scores, labels)
    loss.backward()
    return {
        "downsampling": kind,
        "params": ours(params, lambda leaf: leaf.detach()),
        "pictures": x.permute(0, 2, 3, 1).tolist(),
        "labels": labels.tolist(),
        "scores": scores.tolist(),
        "loss": loss.item(),
        "gradients": ours(params, lambda leaf: leaf.grad),
    }


def field_params():
    c = CHANNELS
    return {
        "norms": [norm(c), norm(c), norm(c)],
        "convolutions": [convolution(c + 1, c, 3), convolution(c + 1, c, 3)],
    }


result = {
    "resnet": case("residual", [residual_params(False), residual_params(False)], resnet_middle),
    "odenet": case("convolutions", field_params(), odenet_middle),
    "adjoint": case("convolutions", field_params(), adjoint_middle),
}
command = "python bench/peers/reference_odenet.py"
write("odenet", "networks", ["torch", "torchdiffeq"], result, command=command)
