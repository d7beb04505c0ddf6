"""The parity matrix: what each column promises, in sum and name by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from mapping.documents.library import Library, anchor_of, document_of
from mapping.documents.markdown import code, href, table
from mapping.documents.reference import tests_of, title_of
from mapping.model import COLUMNS, Parity, Row, Status, Vendor

__all__ = ["MATRIX_PAGES", "render_matrix", "render_matrix_of"]

MATRIX_PAGES: Final[Mapping[str, tuple[str, tuple[Vendor, ...]]]] = {
    "matrix/twilio.md": (
        "Twilio Video",
        (Vendor.TWILIO_VIDEO, Vendor.TWILIO_PROCESSORS),
    ),
    "matrix/twilio-server.md": (
        "Twilio's REST operations and webhooks",
        (Vendor.TWILIO_REST, Vendor.TWILIO_WEBHOOK),
    ),
    "matrix/acs.md": (
        "ACS",
        (Vendor.ACS_CALLING, Vendor.ACS_COMMON, Vendor.ACS_EFFECTS, Vendor.ACS_IDENTITY),
    ),
    "matrix/videosdk.md": ("VideoSDK", (Vendor.VIDEOSDK,)),
    "matrix/ours.md": ("Only in this library", (Vendor.TWILIO_COMPAT, Vendor.ACS_CORE)),
}
"""Pages with every name: path -> title and whose names."""

_COLUMN_TEXTS: Final[Mapping[str, str]] = {
    "js": "the unmodified twilio-video.js in a browser, connected to our service",
    "rest": "Twilio's helper libraries and webhooks, with our service",
    "compat": "`twilio_compat`, Twilio's objects in Python",
    "native": "`acs_core`, ACS' objects in Python",
    "videosdk": "`mapping.videosdk`, a meeting in VideoSDK's shape",
}

_PARITY_TEXTS: Final[Mapping[Parity, str]] = {
    Parity.FULL: "does what the vendor says, and a test shows it in every build",
    Parity.PARTIAL: "is there, and either something of it is missing or no test shows all of it",
    Parity.EMULATED: "something else stands for it, or it is accepted without an effect",
    Parity.EXTENSION: "has no counterpart there; we add it",
    Parity.NOT_APPLICABLE: "the column has nothing to do with the name",
    Parity.NO: "is not there",
}

_STATUS_TEXTS: Final[Mapping[Status, str]] = {
    Status.DIRECT: "the same concept in one construct",
    Status.ADAPT: "the same concept in another shape",
    Status.EMULATE: "no counterpart at the other vendor; the library provides it",
    Status.DOM: "exists in browsers only, and has a substitute in Python",
    Status.NOOP: "accepted, and nothing happens",
    Status.NONE: "no counterpart",
}


def render_matrix(library: Library) -> str:
    """The front page of the matrix: what words mean, and sums."""
    lines = [
        "# Parity matrix",
        "",
        "Every public name of the vendors' packages has a row, and every column of the matrix",
        "says what it promises of that name. A promise of *full* names tests: `python -m mapping",
        "check` fails when one does not exist or, given the report of a run, did not pass in it.",
        "Rows of one vendor have the columns of the others, too: there a column says how far the",
        "counterpart goes.",
        "`twilio-compat matrix` prints and exports the same rows.",
        "",
        "## Columns",
        "",
        *table(("Column", "What it is"), [(code(c), _COLUMN_TEXTS[c]) for c in COLUMNS]),
        "",
        "## Promises",
        "",
        *table(("Promise", "It"), [(p, _PARITY_TEXTS[p]) for p in Parity]),
        "",
        "## Status",
        "",
        "How far the other vendor's counterpart is from a name:",
        "",
        *table(("Status", "Meaning"), [(s, _STATUS_TEXTS[s]) for s in Status]),
        "",
        "## Sums",
        "",
    ]
    for path, (title, vendors) in MATRIX_PAGES.items():
        rows = [row for row in library.rows if row.vendor in vendors]
        lines += [f"### {title}", "", f"{len(rows)} names, [one by one]({path}).", ""]
        lines += [*_sums(rows), ""]
    return "\n".join(lines)


def render_matrix_of(library: Library, path: str) -> str:
    """Every name of some vendors, with its tests.

    Args:
        library: All data.
        path: One of `MATRIX_PAGES`.
    """
    title, vendors = MATRIX_PAGES[path]
    rows = [row for row in library.rows if row.vendor in vendors]
    lines = [f"# Matrix: {title}", "", f"What the words mean: [matrix]({href(path, 'matrix.md')})."]
    lines += ["", *_sums(rows)]
    used = [column for column in COLUMNS if any(column in row.parity for row in rows)]
    sections: dict[str, list[Row]] = {}
    for row in rows:
        sections.setdefault(title_of(row), []).append(row)
    for section, members in sections.items():
        lines += ["", f"## {section}", ""]
        lines += table(
            ("Name", "Kind", "Status", *used, "Tests"),
            [
                (
                    f"[{code(row.name)}]({href(path, document_of(row), anchor_of(row))})",
                    row.kind,
                    row.status,
                    *(row.parity.get(column, Parity.NOT_APPLICABLE) for column in used),
                    tests_of(row.proof),
                )
                for row in members
            ],
        )
    return "\n".join(lines) + "\n"


def _sums(rows: Sequence[Row]) -> list[str]:
    """A table: columns of the matrix against promises."""
    counted = [parity for parity in Parity if parity is not Parity.NOT_APPLICABLE]
    lines = []
    for column in COLUMNS:
        cells = (row.parity.get(column, Parity.NOT_APPLICABLE) for row in rows)
        promised = Counter(one for one in cells if one is not Parity.NOT_APPLICABLE)
        if promised:
            counts = [str(promised[parity] or "") for parity in counted]
            lines.append((code(column), *counts, str(promised.total())))
    return table(("Column", *counted, "of"), lines)
