"""The command line of the peers that are handed a problem file, and the reading of that file."""

import argparse
import json
import sys


def arguments(description):
    """Read the command line: the problem file, and how many threads may be used."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problem", help="JSON file with the problem")
    parser.add_argument("--threads", type=int, default=1, help="threads to use (default: 1)")
    given = parser.parse_args()
    if given.threads < 1:
        parser.error(f"--threads must be 1 or more, got {given.threads}")
    return given


def load_fields(path, fields):
    """Read a JSON object; without these fields the program ends with a sentence and code 2."""
    try:
        with open(path, encoding="utf-8") as file:
            problem = json.load(file)
    except (OSError, ValueError) as error:
        stop(f"cannot read the problem file {path}: {error}")
    if not isinstance(problem, dict):
        stop(f"{path}: expected a JSON object")
    missing = [name for name in fields if name not in problem]
    if missing:
        stop(f"{path}: these fields are missing: {', '.join(missing)}")
    return problem


def stop(sentence):
    print(sentence, file=sys.stderr)
    sys.exit(2)
