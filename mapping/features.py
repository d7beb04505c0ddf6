"""Which rows of the feature list are proved, and by which tests.

The list (`data/features.json`) says what the project has to do, with a criterion for each row. A
row is *proved* when a test of its criterion is marked with its id and passes; what is proved only
in part, or not at all, stands in `data/feature_status.toml` with the reason. `docs/features.md` is
made from the three (`python -m mapping docs`).
"""

from __future__ import annotations

import ast
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

__all__ = ["Feature", "Proof", "Status", "find_marks", "load_features", "prove", "render"]

HOME: Final = Path(__file__).parent
DATA: Final = HOME / "data" / "features.json"
REASONS: Final = HOME / "data" / "feature_status.toml"
TESTS: Final = HOME.parent / "tests"


class Status(StrEnum):
    """How far a row is proved."""

    PROVED = "proved"
    PARTLY = "partly"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of the feature list.

    Attributes:
        side: Whose API it is about: acs, twilio, videosdk or general.
        kind: api, event, property, option, state, rule, pattern, limit or matrix.
        acceptance: What a test of the row has to show.
        note: Where the reference documents are wrong about it.
    """

    id: str
    side: str
    area: str
    kind: str
    what: str
    acceptance: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of one row.

    Attributes:
        tests: As pytest names them, without parameters; sorted.
        reason: Why it is not proved, or not wholly; empty for a proved row.
    """

    feature: Feature
    status: Status
    tests: tuple[str, ...] = ()
    reason: str = ""


def load_features(path: Path = DATA) -> list[Feature]:
    """The feature list, in its order."""
    return [Feature(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def find_marks(tests: Path = TESTS) -> dict[str, list[str]]:
    """The tests below a folder that are marked with a row, by the row's id."""
    marks: dict[str, list[str]] = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if "pytest.mark.feature" not in text:  # to parse all of them takes seconds
            continue
        name = path.relative_to(tests.parent).as_posix()
        for test, ids in _marked(ast.parse(text)):
            for row in ids:
                marks[row].append(f"{name}::{test}")
    return dict(marks)


def prove(
    features: Sequence[Feature],
    marks: Mapping[str, Sequence[str]],
    reasons: Mapping[str, Mapping[str, str]],
) -> list[Proof]:
    """Join the list, the marks and the reasons.

    Args:
        features: The list.
        marks: Tests by row.
        reasons: By status (`partly`, `not`) and row.

    Raises:
        ValueError: A mark or a reason is about a row that does not exist, a row is said to be
            unproved although a test is marked with it, or nothing is said about an unproved row.
    """
    partly, missing = reasons.get("partly", {}), reasons.get("not", {})
    known = {feature.id for feature in features}
    wrong = [
        *(f"{row}: no such row" for row in {*marks, *partly, *missing} - known),
        *(f"{row}: not proved, says the data, but a test is marked with it" for row in
          missing.keys() & marks.keys()),
        *(f"{row}: proved in part, says the data, but no test is marked with it" for row in
          partly.keys() - marks.keys()),
        *(f"{row}: no test is marked with it, and no reason is given" for row in
          known - marks.keys() - missing.keys()),
    ]  # fmt: skip
    if wrong:
        raise ValueError("\n".join(sorted(wrong)))
    proofs = []
    for feature in features:
        tests = tuple(sorted(marks.get(feature.id, ())))
        if feature.id in missing:
            proofs.append(Proof(feature, Status.NOT, tests, missing[feature.id]))
        elif feature.id in partly:
            proofs.append(Proof(feature, Status.PARTLY, tests, partly[feature.id]))
        else:
            proofs.append(Proof(feature, Status.PROVED, tests))
    return proofs


def render(proofs: Sequence[Proof]) -> str:
    """The document: totals by side, then a table per area."""
    lines = [
        "# Features",
        "",
        "Made by `make docs` from the feature list, the marks of the tests and the reasons in",
        "`mapping/data`. A row is proved when a test of its criterion is marked with it; the tests",
        "run in every build.",
        "",
        "| Side | Rows | Proved | Partly | Not |",
        "|---|---|---|---|---|",
    ]
    for side in ("acs", "general", "twilio", "videosdk"):
        counts = Counter(proof.status for proof in proofs if proof.feature.side == side)
        numbers = " | ".join(str(counts[status]) for status in Status)
        lines.append(f"| {side} | {counts.total()} | {numbers} |")
    areas: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs:
        areas[proof.feature.area].append(proof)
    for area, rows in areas.items():
        lines += ["", f"## {area}", "", "| Row | Side | What | Status | Proof or reason |"]
        lines.append("|---|---|---|---|---|")
        lines += [_row(proof) for proof in rows]
    return "\n".join(lines) + "\n"


def _row(proof: Proof) -> str:
    feature = proof.feature
    shown = [f"`{test.removeprefix('tests/')}`" for test in proof.tests[:2]]
    if len(proof.tests) > 2:
        shown.append(f"and {len(proof.tests) - 2} more")
    why = "; ".join(part for part in (proof.reason, ", ".join(shown)) if part)
    cells = (feature.id, feature.side, feature.what, proof.status, why)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        ids = [
            str(argument.value)
            for call in node.decorator_list
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.feature"
            for argument in call.args
            if isinstance(argument, ast.Constant)
        ]
        if ids:
            yield node.name, ids
