"""Where a program for twilio-video.js behaves differently in Python, and the tests that prove it.

The rows (`data/differences.toml`) settle each semantic difference between Twilio and ACS, and name
those that a program may notice. From them come the README's section "Differences from Twilio",
which has the latter, and `docs/differences.md`, which has all (`python -m mapping docs`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

__all__ = [
    "MATRIX_ROWS",
    "Difference",
    "DifferenceStatus",
    "check",
    "load_differences",
    "put_between_marks",
    "render_document",
    "render_section",
]

HOME: Final = Path(__file__).parent
DATA: Final = HOME / "data" / "differences.toml"

BEGIN: Final = "<!-- Made by `make docs` from mapping/data/differences.toml -->"
END: Final = "<!-- End of what is made -->"

MATRIX_ROWS: Final = 29
"""Semantic differences between Twilio Video and ACS Calling, each of which the facade settles."""


class DifferenceStatus(StrEnum):
    """What a program notices."""

    SAME = "same"
    DIFFERENT = "different"
    ADDED = "added"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """One row.

    Attributes:
        id: A word to speak of it.
        twilio: Which of Twilio's names it is about.
        theirs: What Twilio does.
        ours: What this library does.
        why: The reason.
        since: Version of this library in which it became so.
        proof: Tests as pytest names them, without parameters; only an absent thing needs none.
        matrix: The semantic differences between Twilio and ACS that it settles.
    """

    id: str
    status: DifferenceStatus
    twilio: str
    theirs: str
    ours: str
    why: str
    since: str
    proof: tuple[str, ...]
    matrix: tuple[int, ...] = ()


def load_differences(path: Path = DATA) -> list[Difference]:
    """Read the rows in their order.

    Raises:
        ValueError: A row has an unknown key or status, or lacks one.
    """
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["difference"]
    return [_read(row) for row in rows]


def check(rows: Sequence[Difference]) -> list[str]:
    """Say what is wrong with the rows: ids, those without tests, what nobody settles of the 29."""
    ids = [row.id for row in rows]
    settled = {number for row in rows for number in row.matrix}
    wrong = [f"{row}: twice" for row in sorted({row for row in ids if ids.count(row) > 1})]
    wrong += [
        f"{row.id}: no test proves it"
        for row in rows
        if not row.proof and row.status is not DifferenceStatus.ABSENT
    ]
    wrong += [f"nobody settles {n}" for n in range(1, MATRIX_ROWS + 1) if n not in settled]
    return wrong


def render_section(rows: Sequence[Difference]) -> str:
    """The README's section: what a program notices, without its heading."""
    shown = [row for row in rows if row.status is not DifferenceStatus.SAME]
    same = len(rows) - len(shown)
    lines = [
        "Names, arguments and order of events, codes and units are Twilio's. What a program may",
        "notice stands here; `mapping/docs/differences.md` has the reasons, the tests, and",
        f"{same} places where one might expect a difference and there is none.",
        "",
        "| Twilio | There | Here |",
        "|---|---|---|",
        *(_cells(row.twilio, row.theirs, row.ours) for row in shown),
    ]
    return "\n".join(lines)


def render_document(rows: Sequence[Difference]) -> str:
    """The whole table, by status."""
    titles: Mapping[DifferenceStatus, str] = {
        DifferenceStatus.DIFFERENT: "Different",
        DifferenceStatus.ABSENT: "Absent",
        DifferenceStatus.ADDED: "Added",
        DifferenceStatus.SAME: "The same, although one might not expect it",
    }
    lines = [
        "# Differences from Twilio",
        "",
        "Between a program for twilio-video.js and the same one with `twilio_compat`. Made by",
        "`make docs` from `mapping/data/differences.toml`; each row names its tests.",
    ]
    for status, title in titles.items():
        lines += ["", f"## {title}", "", "| Twilio | There | Here | Why | Since | Proof |"]
        lines.append("|---|---|---|---|---|---|")
        lines += [_line(row) for row in rows if row.status is status]
    return "\n".join(lines) + "\n"


def put_between_marks(text: str, section: str) -> str:
    """Replace what stands between the marks of a document.

    Raises:
        ValueError: The marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The README lacks the marks {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def _read(row: Mapping[str, Any]) -> Difference:
    try:
        lists = {key: tuple(row.get(key, ())) for key in ("proof", "matrix")}
        status = DifferenceStatus(row["status"])
        return Difference(**{**row, **lists, "status": status})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{row.get('id', 'a row without id')}: {error}") from error


def _line(row: Difference) -> str:
    proof = ", ".join(f"`{test.removeprefix('tests/')}`" for test in row.proof)
    return _cells(row.twilio, row.theirs, row.ours, row.why, row.since, proof or "none")


def _cells(*texts: str) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"
