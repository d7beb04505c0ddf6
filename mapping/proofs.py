"""The tests that the data names: whether they exist, and whether they passed in a run.

Whatever is promised as full, told as a difference, or described as a kind of call names tests. With
the report of a run (`pytest --junitxml`), they must have passed in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from mapping import concepts, differences, load
from mapping.model import Parity, Row

__all__ = ["ROOT", "check_proofs", "passed_tests"]

ROOT: Final = Path(__file__).parent.parent


def check_proofs(
    rows: Iterable[Row], root: Path = ROOT, passed: frozenset[str] | None = None
) -> list[str]:
    """What is promised against the tests that are named for it.

    Args:
        rows: The rows of names; errors, differences and kinds of calls are read here.
        root: Folder that the names of tests begin at.
        passed: Tests that passed in a run, or None to ask only whether they exist.
    """
    wrong: list[str] = []
    named: dict[str, Sequence[str]] = {f"error {row.code}": row.proof for row in load.errors()}
    named |= {f"difference {row.id}": row.proof for row in differences.load_differences()}
    named |= {f"call {row.type}": row.proof for row in concepts.load_concepts().call_types}
    for row in rows:
        name = f"{row.vendor} {row.name}"
        named[name] = row.proof
        wrong += [
            f"{name}: {column} is full, and no test shows it"
            for column, parity in row.parity.items()
            if parity is Parity.FULL and not row.proofs.get(column)
        ]
        wrong += [
            f"{name}: {column} promises nothing, and a test is named for it"
            for column in row.proofs
            if row.parity.get(column, Parity.NO) is Parity.NO
        ]
    for name, tests in named.items():
        for test in tests:
            file, _, function = test.partition("::")
            if function not in _tests_in(root / file):
                wrong.append(f"{name}: there is no test {test}")
            elif passed is not None and test not in passed:
                wrong.append(f"{name}: {test} did not pass in this run")
    return wrong


def passed_tests(junit: Path) -> frozenset[str]:
    """The tests that passed in a run, as pytest names them, without parameters.

    A test with parameters passed when it did with all of them; skipped ones have not passed.

    Args:
        junit: What `pytest --junitxml` wrote.

    Raises:
        MappingDataError: It is no such report.
    """
    try:
        tree = ElementTree.parse(junit)
    except (ElementTree.ParseError, OSError) as error:
        raise load.MappingDataError(junit.name, "", f"it is no report of tests: {error}") from error
    passed: set[str] = set()
    others: set[str] = set()
    for case in tree.iter("testcase"):
        file = case.get("classname", "").replace(".", "/") + ".py"
        test = f"{file}::{case.get('name', '').partition('[')[0]}"
        has_failed = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
        (others if has_failed else passed).add(test)
    return frozenset(passed - others)


@cache
def _tests_in(path: Path) -> frozenset[str]:
    """The tests of a file; none if there is no such file."""
    if not path.is_file():
        return frozenset()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = (node.name for node in ast.walk(tree) if isinstance(node, kinds))
    return frozenset(name for name in names if name.startswith("test_"))
