"""Writes `python.safetensors`, the fixture of ../safetensors.test.ts, with the format's own Python package.

    pip install safetensors==0.8.0 numpy==2.4.6
    python make-safetensors.py

With a file name it checks the other direction: that Python reads the file and finds the same tensors in it.

    python make-safetensors.py FILE
"""

import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

TENSORS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
    "bias": np.array([1.5, -2.5, 1e-300], dtype=np.float64),
    "step": np.array(7, dtype=np.int32),
    "mask": np.array([True, False, True], dtype=bool),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "größe.α[0]": np.array([np.inf, -0.0, np.nan], dtype=np.float32),
}
METADATA = {"made with": "python"}


def check(path: str) -> None:
    with safe_open(path, framework="np") as file:
        assert file.metadata() == METADATA, file.metadata()
        assert sorted(file.keys()) == sorted(TENSORS), file.keys()
        for name, expected in TENSORS.items():
            got = file.get_tensor(name)
            assert got.dtype == expected.dtype and got.shape == expected.shape, name
            assert got.tobytes() == expected.tobytes(), name
    print(f"{path}: {len(TENSORS)} tensors, all equal")


if len(sys.argv) > 1:
    check(sys.argv[1])
else:
    target = Path(__file__).with_name("python.safetensors")
    save_file(TENSORS, target, metadata=METADATA)
    check(str(target))
