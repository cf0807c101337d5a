"""Measure what torchdiffeq keeps for its backward pass on the CPU, and print figures as JSON.

The problem of `npm run bench -- memory`: a tanh network 4 -> 32 -> 4 on a batch of 64, float64,
rk4 over [0, 1] in so many steps, the mean square of the last state. Two methods: "direct" (autograd
through the solver's own operations, `odeint`) and "backsolve" (`odeint_adjoint`).

peakBytes is the most that autograd's saved tensors held at one time, forward and backward pass
together, each storage counted once and the parameters left out.

    python memory_torchdiffeq.py STEPS [STEPS ...]
"""

import json
import sys
from collections import Counter

from cpu_torch import torch
from torch import nn
from torchdiffeq_peer import ODEINT

BATCH, SIZE, HIDDEN = 64, 4, 32


class Meter:
    """Adds up the storages that saved tensors keep alive."""

    def __init__(self, exempt):
        self.exempt = {tensor.untyped_storage().data_ptr() for tensor in exempt}
        self.uses = Counter()
        self.live = 0
        self.peak = 0

    def pack(self, tensor):
        return Saved(self, tensor)


class Saved:
    """A saved tensor, for as long as autograd keeps it."""

    def __init__(self, meter, tensor):
        self.meter = meter
        # Without its history, which would keep this object alive in turn.
        self.tensor = tensor.detach()
        storage = tensor.untyped_storage()
        self.key = storage.data_ptr()
        self.bytes = 0 if self.key in meter.exempt else storage.nbytes()
        meter.uses[self.key] += 1
        if meter.uses[self.key] == 1:
            meter.live += self.bytes
            meter.peak = max(meter.peak, meter.live)

    def __del__(self):
        self.meter.uses[self.key] -= 1
        if self.meter.uses[self.key] == 0:
            self.meter.live -= self.bytes


def peak_bytes(method, steps):
    """Peak bytes of one gradient."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(SIZE, HIDDEN, bias=False), nn.Tanh(), nn.Linear(HIDDEN, SIZE, bias=False)
    ).double()

    class Field(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, t, y):
            return self.net(y)

    start = torch.randn(BATCH, SIZE, dtype=torch.float64)
    meter = Meter([*net.parameters(), start])
    times = torch.tensor([0.0, 1.0], dtype=torch.float64)
    with torch.autograd.graph.saved_tensors_hooks(meter.pack, lambda saved: saved.tensor):
        ys = ODEINT[method](Field(), start, times, method="rk4", options={"step_size": 1 / steps})
        ys[-1].square().mean().backward()
    return meter.peak


rows = []
for method in ODEINT:
    for steps in map(int, sys.argv[1:]):
        row = {"system": "torchdiffeq", "method": method, "steps": steps}
        rows.append({**row, "peakBytes": peak_bytes(method, steps)})
print(json.dumps(rows))
