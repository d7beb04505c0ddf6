"""Usage: ``python -m mapping check [--junit FILE]`` and ``python -m mapping docs [--check]``.

`check` compares the rows of `mapping/data` with the vendors' names, our own and the tests; with a
report of a run (`pytest --junitxml FILE`), also that the tests which rows name passed in it. `docs`
makes `mapping/docs` and the README's section on differences; with `--check` it only says what is
stale. Exit code 1 when something is wrong, and each problem on a line of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mapping import differences
from mapping.documents import load_library, made, stale, write
from mapping.documents.writing import ROOT
from mapping.load import rows
from mapping.parity import check

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mapping")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="compare rows, names and tests")
    checking.add_argument("--junit", type=Path, metavar="FILE", help="report of a test run")
    checking.set_defaults(run=lambda options: _check(options.junit))
    making = commands.add_parser("docs", help="make mapping/docs from the data")
    making.add_argument("--check", action="store_true", help="only say what is stale")
    making.set_defaults(run=lambda options: _docs(only_check=options.check))
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], list[str]] = options.run
    try:
        wrong = run(options)
    except ValueError as error:  # of data: MappingDataError, or of features and differences
        wrong = [str(error)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


def _check(junit: Path | None) -> list[str]:
    wrong = check(junit=junit)
    if not wrong:
        print(f"{len(rows())} rows agree with the names and the tests")
    return wrong


def _docs(*, only_check: bool) -> list[str]:
    library = load_library()
    if wrong := differences.check(library.differences):
        return wrong
    files = made(library, (ROOT / "README.md").read_text(encoding="utf-8"))
    if only_check:
        old = stale(files)
        return [*old, "Run `python -m mapping docs`."] if old else []
    print(f"{write(files)} of {len(files)} documents changed")
    return []


if __name__ == "__main__":
    sys.exit(main())
