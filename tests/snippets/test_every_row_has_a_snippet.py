"""Each row about something that programs use is shown in a program of this folder."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Final

from mapping.features import REASONS, find_marks, load_features

HERE = Path(__file__).parent
KINDS = frozenset({"api", "event", "option", "property"})
SIDES = frozenset({"acs", "twilio"})

NO_PROGRAM: Final = "a row of the guide's table of objects, without a program"
TABLE: Final = "a row of the guide's table of events: tests/mapping/videosdk executes both columns"
BACKEND: Final = "the backend's program: migration_examples/02_token_backend, which has its tests"

ELSEWHERE: Final = {
    "EVENT-009": "what the guide's program waits for never comes: the scanner flags it",
    "EVENT-013": TABLE,
    "EVENT-014": TABLE,
    "EVENT-015": TABLE,
    "EVENT-016": TABLE,
    "EVENT-017": TABLE,
    "OBJECT-001": NO_PROGRAM,
    "OBJECT-002": NO_PROGRAM,
    "OBJECT-003": NO_PROGRAM,
    "OBJECT-004": NO_PROGRAM,
    "OBJECT-005": NO_PROGRAM,
    "OBJECT-006": NO_PROGRAM,
    "OBJECT-007": NO_PROGRAM,
    "OBJECT-008": NO_PROGRAM,
    "OBJECT-011": NO_PROGRAM,
    "TOKEN-003": BACKEND,
    "TOKEN-004": BACKEND,
    "TOKEN-006": BACKEND,
    "TRANSFER-005": "the program is TRANSFER-004's; features/test_transfer.py waits for the silent",
}
"""Rows that no test of this folder proves, and why."""


def test_every_row_about_programs_has_one() -> None:
    shown = find_marks(HERE).keys()
    missing = tomllib.loads(REASONS.read_text(encoding="utf-8"))["not"].keys()
    wanted = {
        row.id for row in load_features() if row.kind in KINDS and row.side in SIDES
    } - missing
    assert sorted(wanted - shown - ELSEWHERE.keys()) == []
    assert sorted(ELSEWHERE.keys() & shown) == [], "there is a program now"
    assert sorted(ELSEWHERE.keys() - wanted) == [], "these need none"


def test_every_program_is_named_by_a_row_that_it_proves() -> None:
    for row, tests in find_marks(HERE).items():
        for test in tests:
            path, _, name = test.partition("::")
            assert re.match(r"test_[a-z]+_\d{3}_", name), f"{path}: {name}, marked {row}"
    for path in sorted(HERE.glob("test_*_snippets.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                node.name.startswith("test_")
            ):
                first = "-".join(node.name.upper().split("_")[1:3])
                decorators = " ".join(map(ast.unparse, node.decorator_list))
                assert f"'{first}'" in decorators, f"{path.name}: {node.name}"
