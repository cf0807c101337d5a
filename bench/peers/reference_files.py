"""How the reference values for the TypeScript tests are written: where to, and in what form."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python bench/peers/reference_solutions.py"
WIDTH = 100


def versions(*packages):
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def write(package, name, packages, content, folder="test/reference", command=COMMAND):
    """Write one file of reference values for a package's tests, with what made it."""
    folder = ROOT / "packages" / package / folder
    folder.mkdir(parents=True, exist_ok=True)
    made = {"madeBy": command, "versions": versions(*packages)}
    path = folder / f"{name}.json"
    path.write_text(layout({**made, **content}) + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size} bytes")


def layout(value, indent=0, before=0):
    """JSON as the repository's formatter lays it out, so that a new run leaves no other change.

    An object has a line for each key. A list stays on one line if it fits; else numbers fill the
    lines, and anything else has one each. `before` is how much of the first line is taken.
    """
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(value, dict):
        lines = []
        for key, entry in value.items():
            start = f"{inner}{json.dumps(key)}: "
            lines.append(start + layout(entry, indent + 2, len(start)))
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    line = json.dumps(value, allow_nan=False).replace("e-0", "e-")
    if not isinstance(value, list) or before + len(line) + 1 <= WIDTH:
        return line
    if isinstance(value[0], float):
        lines = filled([layout(entry) for entry in value], inner)
    else:
        rows = [inner + layout(entry, indent + 2, len(inner)) for entry in value]
        lines = [row + "," for row in rows[:-1]] + rows[-1:]
    return "\n".join(["[", *lines, f"{outer}]"])


def filled(entries, inner):
    """Lines as full as the width allows."""
    lines = [inner + entries[0]]
    for entry in entries[1:]:
        lines[-1] += ","
        if len(lines[-1]) + 1 + len(entry) + 1 <= WIDTH:
            lines[-1] += f" {entry}"
        else:
            lines.append(inner + entry)
    return lines
