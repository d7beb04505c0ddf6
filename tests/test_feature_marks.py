"""Marks of feature rows: well-formed, and only on tests that assert something."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ID = re.compile(r"[A-Z]+-\d{3}")
Test = ast.FunctionDef | ast.AsyncFunctionDef


def _is_mark(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.feature"


def marked_tests() -> Iterator[tuple[str, Test, list[ast.expr]]]:
    """Where, the test, and the arguments of its marks."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, Test):
                continue
            calls = [item for item in node.decorator_list if isinstance(item, ast.Call)]
            marks = [argument for call in calls if _is_mark(call) for argument in call.args]
            if any(_is_mark(call) for call in calls):
                yield f"{path.relative_to(TESTS)}::{node.name}", node, marks


def asserts(node: ast.AST) -> bool:
    """Whether a test can fail on purpose: by an assertion, an expected error or a deadline."""
    checks = ("pytest.raises", "pytest.fail", "until", "next_event")
    return any(
        isinstance(item, ast.Assert)
        or (isinstance(item, ast.Call) and ast.unparse(item.func).endswith(checks))
        for item in ast.walk(node)
    )


def test_every_mark_names_rows_and_belongs_to_a_test_that_asserts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows: dict[str, list[str]] = defaultdict(list)
    for where, node, marks in marked_tests():
        assert node.name.startswith("test_"), where
        assert marks, f"{where}: a mark without rows"
        ids = []
        for mark in marks:
            assert isinstance(mark, ast.Constant), f"{where}: rows are written out"
            assert ID.fullmatch(str(mark.value)), f"{where}: {mark.value!r} is no row"
            ids.append(str(mark.value))
        repeated = [row for row, count in Counter(ids).items() if count > 1]
        assert not repeated, f"{where}: {repeated} twice"
        assert asserts(node), f"{where} asserts nothing"
        for row in ids:
            rows[row].append(where)
    areas = Counter(row.split("-")[0] for row in rows)
    with capsys.disabled():
        counts = ", ".join(f"{area} {count}" for area, count in sorted(areas.items()))
        print(f"\n{len(rows)} feature rows are proved by tests: {counts}")
    assert rows
