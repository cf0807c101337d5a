"""Writes packages/nn/test/reference/pictures.json: layers for pictures, and a stepped learning rate, as torch computes them in float64.

Pictures and weights are given in this project's layouts: [batch, height, width, channels] and
[kernel, kernel, inputs, outputs]. Run in the environment of the peers: bench/.venv/bin/python bench/peers/reference_pictures.py
"""

from cpu_torch import torch
from reference_files import write
from torch.nn import functional as F

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)


def pictures(x):
    return x.permute(0, 2, 3, 1).tolist()


def convolution(channels, kernel, stride, padding, height, width):
    x = torch.randn(2, channels, height, width, requires_grad=True)
    weight = torch.randn(4, channels, kernel, kernel, requires_grad=True)
    bias = torch.randn(4, requires_grad=True)
    y = F.conv2d(x, weight, bias, stride=stride, padding=padding)
    y.sin().sum().backward()
    return {
        "channels": channels,
        "options": {"kernel": kernel, "stride": stride, "padding": padding},
        "x": pictures(x),
        "weight": weight.permute(2, 3, 1, 0).tolist(),
        "bias": bias.tolist(),
        "y": pictures(y),
        "gradients": {
            "x": pictures(x.grad),
            "weight": weight.grad.permute(2, 3, 1, 0).tolist(),
            "bias": bias.grad.tolist(),
        },
    }


def group_norm(channels, groups):
    x = (3 + 2 * torch.randn(2, channels, 3, 4)).requires_grad_()
    scale = torch.randn(channels, requires_grad=True)
    shift = torch.randn(channels, requires_grad=True)
    y = F.group_norm(x, groups, scale, shift)
    y.sin().sum().backward()
    return {
        "groups": groups,
        "x": pictures(x),
        "scale": scale.tolist(),
        "shift": shift.tolist(),
        "y": pictures(y),
        "gradients": {
            "x": pictures(x.grad),
            "scale": scale.grad.tolist(),
            "shift": shift.grad.tolist(),
        },
    }


def pooling(window, stride):
    x = torch.randn(2, 2, 7, 6)
    return {
        "options": {"window": window, "stride": stride},
        "x": pictures(x),
        "max": pictures(F.max_pool2d(x, window, stride)),
        "mean": pictures(F.avg_pool2d(x, window, stride)),
    }


def stepped_rate(start, factor, at):
    parameter = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.SGD([parameter], lr=start)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, at, factor)
    rates = []
    for _ in range(12):
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    return {"start": start, "factor": factor, "at": at, "rates": rates}


result = {
    "convolutions": [
        convolution(3, 3, 1, 0, 5, 6),
        convolution(5, 3, 1, 1, 4, 5),
        convolution(5, 4, 2, 1, 8, 7),
        convolution(4, 1, 2, 0, 5, 4),
        convolution(1, 3, 2, 1, 7, 8),
        convolution(4, 2, 3, 2, 6, 5),
    ],
    "groupNorms": [group_norm(6, 3), group_norm(4, 4), group_norm(5, 1)],
    "poolings": [pooling(2, 2), pooling(3, 2), pooling(3, 1)],
    "steppedRate": stepped_rate(0.1, 0.2, [3, 4, 9]),
}
write("nn", "pictures", ["torch"], result, command="python bench/peers/reference_pictures.py")
