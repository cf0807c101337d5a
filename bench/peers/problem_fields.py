"""The test problems, whose equations are text, as functions of Python: see packages/test-problems."""

import json


def load(path):
    """The problems of a JSON file, by name."""
    with open(path, encoding="utf-8") as file:
        return {problem["name"]: problem for problem in json.load(file)}


def field(problem, functions):
    """f(t, y) as a list, with cos, exp, sin and sqrt of a module: numpy, jax.numpy, torch or math."""
    lines = [f"    {name} = {text}" for name, text in problem.get("where", {}).items()]
    equations = ", ".join(problem["equations"])
    source = "\n".join(["def f(t, y):", *lines, f"    return [{equations}]"])
    names = {name: getattr(functions, name) for name in ("cos", "exp", "sin", "sqrt")}
    exec(source, names)
    return names["f"]
