"""How the reference values for the TypeScript tests are written: where to, and in what form."""

import json
import platform
import re
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python bench/peers/reference_solutions.py"


def versions(*packages):
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def write(package, name, packages, content):
    """Write one file of reference values for a package's tests, with what made it."""
    folder = ROOT / "packages" / package / "test" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    made = {"madeBy": COMMAND, "versions": versions(*packages)}
    text = json.dumps({**made, **content}, indent=2, allow_nan=False)
    # One row of numbers on one line: shorter, and a changed value shows in a diff with its row.
    text = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda row: "[" + re.sub(r",\s+", ", ", row[1]) + "]", text)
    path = folder / f"{name}.json"
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size} bytes")
