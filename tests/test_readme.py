"""What the README shows, runs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.S | re.M)
KEY_FEATURES = {
    "Addressing": "IDENT-001",
    "Encryption": "SECURITY-001",
    "Device management": "DEVICE-001",
    "PSTN calling": "PSTN-001",
    "Teams meetings": "TEAMS-001",
    "Notifications": "INCOMING-001",
    "User Facing Diagnostics": "DIAG-001",
    "Media quality statistics": "STATS-001",
    "Video constraints": "CONSTRAINT-001",
}
"""Rows of the table and the feature row that the named test must prove."""


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_in_the_readme_runs_and_prints(number: int, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(BLOCKS[number], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},  # This tree, wherever another is installed.
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.strip()


@pytest.mark.feature(
    "MATRIX-001",
    "MATRIX-002",
    "MATRIX-003",
    "MATRIX-004",
    "MATRIX-005",
    "MATRIX-006",
    "MATRIX-007",
    "MATRIX-008",
    "MATRIX-009",
)
def test_each_key_feature_names_a_test_that_proves_it() -> None:
    table = README.partition("### Key features\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| \[(test_\w+)\]\((tests/[\w/.]+)\) \|$", table, re.M)
    assert [name for name, *_ in rows] == list(KEY_FEATURES)
    for name, test, path in rows:
        assert KEY_FEATURES[name] in rows_proved_by(ROOT / path, test), name


def rows_proved_by(path: Path, test: str) -> set[str]:
    """The feature rows that a test is marked with; empty when there is no such test."""
    return {
        str(argument.value)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == test
        for mark in node.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.feature"
        for argument in mark.args
        if isinstance(argument, ast.Constant)
    }
