"""Usage: ``python -m mapping check [--junit FILE]``.

Checks the rows of `mapping/data` against the vendors' names, our own and the tests; with a report
of a run (`pytest --junitxml FILE`), also that the tests which rows name passed in it. Exit code 1
when something is wrong, and each problem on a line of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mapping.load import MappingDataError, rows
from mapping.parity import check

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mapping")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="compare rows, names and tests")
    checking.add_argument("--junit", type=Path, metavar="FILE", help="report of a test run")
    options = parser.parse_args(arguments)
    try:
        wrong = check(junit=options.junit)
    except MappingDataError as error:
        wrong = [str(error)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    print(f"{len(rows())} rows agree with the names and the tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
