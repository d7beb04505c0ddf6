"""The parity matrix: rows against columns, filtered, counted and written down.

Columns are `mapping.model.COLUMNS`. A cell is what the row promises there; a column that does not
apply to a name is `n/a`.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mapping.model import COLUMNS, Parity, Row, Status, Vendor

__all__ = [
    "ColumnSummary",
    "Selection",
    "as_csv",
    "as_json",
    "as_markdown",
    "cell",
    "select",
    "sentence",
    "summarize",
]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are shown; None and empty mean all.

    Attributes:
        owner: Class or type whose rows are wanted, itself included; case does not matter.
        statuses: Any of these.
        columns: Columns that are shown, in the order of `COLUMNS`.
        parities: A row is shown when one of the columns promises one of these.
    """

    vendor: Vendor | None = None
    owner: str = ""
    statuses: frozenset[Status] = frozenset()
    columns: tuple[str, ...] = COLUMNS
    parities: frozenset[Parity] = frozenset()


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """What a column promises of the rows it applies to.

    Attributes:
        counts: Rows by promise; those to which the column does not apply are not counted.
        demand: Percentage of the uses seen in public applications whose row is full here; None
            when nothing of the column was seen in any.
    """

    column: str
    counts: Mapping[Parity, int]
    demand: float | None


def cell(row: Row, column: str) -> Parity:
    """What a row promises in a column."""
    return row.parity.get(column, Parity.NOT_APPLICABLE)


def select(rows: Iterable[Row], selection: Selection) -> list[Row]:
    """The rows that are wanted, in their order."""
    owner = selection.owner.lower()
    return [
        row
        for row in rows
        if selection.vendor in (None, row.vendor)
        and (not owner or owner in (row.owner.lower(), row.name.lower()))
        and (not selection.statuses or row.status in selection.statuses)
        and (
            not selection.parities
            or any(cell(row, column) in selection.parities for column in selection.columns)
        )
    ]


def summarize(rows: Sequence[Row], columns: Iterable[str] = COLUMNS) -> list[ColumnSummary]:
    """Count what each column promises; columns that apply to no row are left out."""
    found: list[ColumnSummary] = []
    for column in columns:
        cells = [(cell(row, column), row.demand) for row in rows]
        counts: Counter[Parity] = Counter(
            parity for parity, _ in cells if parity is not Parity.NOT_APPLICABLE
        )
        if not counts:
            continue
        wanted = sum(demand for parity, demand in cells if parity is not Parity.NOT_APPLICABLE)
        full = sum(demand for parity, demand in cells if parity is Parity.FULL)
        share = 100 * full / wanted if wanted else None
        ordered = {parity: counts[parity] for parity in Parity if counts[parity]}
        found.append(ColumnSummary(column, ordered, share))
    return found


def as_json(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """An object with the summary of each column and the rows."""
    document = {
        "summary": {
            one.column: {"rows": one.counts, "demandPercent": one.demand}
            for one in summarize(rows, columns)
        },
        "rows": [
            {
                "vendor": row.vendor,
                "name": row.name,
                "kind": row.kind,
                "status": row.status,
                "parity": {column: cell(row, column) for column in columns},
                "twilio": row.twilio,
                "acs": row.acs,
                "videosdk": row.videosdk,
                "compat": row.compat,
                "native": row.native,
                "why": row.why,
                "difference": row.difference,
                "proof": row.proof,
                "demand": row.demand,
                "source": row.source,
                "asOf": row.as_of.isoformat(),
            }
            for row in rows
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def as_csv(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """A line per row, with a head line; lists are joined by spaces.

    A column of the matrix has its own name (`compat`), the counterpart there `compat name`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{one} name" for one in ("twilio", "acs", "videosdk", "compat", "native")]
    tail = ["why", "difference", "proof", "demand"]
    writer.writerow(["vendor", "name", "kind", "status", *columns, *names, *tail])
    for row in rows:
        cells = [cell(row, column) for column in columns]
        ours = [row.compat, " ".join(row.native)]
        theirs = [row.twilio, row.acs, row.videosdk]
        said = [row.why, row.difference, " ".join(row.proof), row.demand]
        writer.writerow([row.vendor, row.name, row.kind, row.status, *cells, *theirs, *ours, *said])
    return text.getvalue()


def as_markdown(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """A table, with the summary before it."""
    lines = [
        *(f"* {sentence(one)}" for one in summarize(rows, columns)),
        "",
        f"| Name | Status | {' | '.join(columns)} | Why |",
        "|---" * (len(columns) + 3) + "|",
    ]
    for row in rows:
        cells = " | ".join(cell(row, column) for column in columns)
        why = row.why.replace("|", "\\|")
        lines.append(f"| `{row.name}` | {row.status} | {cells} | {why} |")
    return "\n".join(lines) + "\n"


def sentence(summary: ColumnSummary) -> str:
    """A summary for people, in one line."""
    counts = ", ".join(f"{count} {parity}" for parity, count in summary.counts.items())
    if summary.demand is None:
        return f"{summary.column}: {counts}"
    return f"{summary.column}: {counts}; {summary.demand:.0f} % of what public programs use is full"
