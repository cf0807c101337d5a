"""Import PyTorch for the CPU alone, and limit its threads.

The wheel that PyPI serves for Linux is built with CUDA: its libraries ask for cuBLAS, cuDNN and
others, nearly 4 GB that CPU work never calls. `setup.mjs` leaves those out and puts a stand-in in
their place, so the libraries are found but not their functions. That is enough when functions are
looked up on first use (RTLD_LAZY), which is what this module asks for.

Every script here writes `from cpu_torch import torch` before it imports anything that uses torch.
"""

import os
import sys

# On a machine with a GPU nothing may call CUDA: the stand-ins have no functions to call.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

if hasattr(sys, "setdlopenflags"):  # absent on Windows, where the wheel has no CUDA in it
    _flags = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_LAZY)
    import torch

    sys.setdlopenflags(_flags)
else:
    import torch

__all__ = ["limit_threads", "torch"]


def limit_threads(threads):
    """Of one operation; operations follow each other. It comes before any of them."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
