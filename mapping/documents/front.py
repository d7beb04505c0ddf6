"""The front page, and a page per vendor that lists its classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mapping.differences import DifferenceStatus
from mapping.documents.library import FOLDERS, Library, anchor_of, document_of
from mapping.documents.markdown import code, href, table
from mapping.documents.reference import title_of
from mapping.model import Kind, Row, Vendor

__all__ = ["VENDOR_PAGES", "render_index", "render_vendor"]

TEMPLATE: Final = Path(__file__).with_name("index.md")
"""Text of the front page; words in braces are numbers."""

VENDOR_PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "twilio/index.md": (
        "Twilio Video",
        "Every public name of `twilio-video` and `@twilio/video-processors`, and its counterparts"
        " in `twilio_compat`, `acs_core`, ACS Calling and VideoSDK.",
    ),
    "acs/index.md": (
        "ACS",
        "Every public name of `@azure/communication-calling` in three generations (the beta of"
        " 2020, 1.x and 2.0), and of the packages for identifiers, effects and identity, with its"
        " counterparts in `acs_core`, Twilio Video and VideoSDK.",
    ),
    "videosdk/index.md": (
        "VideoSDK",
        "Every public name of `@videosdk.live/js-sdk`, and its counterparts in Twilio Video and ACS"
        " Calling. `mapping.videosdk` is a meeting of that shape in Python, on `acs_core`.",
    ),
    "ours/index.md": (
        "Only in this library",
        "Names of `twilio_compat` and `acs_core` that no vendor has, and why they are there.",
    ),
}
"""Pages that list a vendor's classes: path -> title and what it is."""


def render_vendor(library: Library, path: str) -> str:
    """The pages of a vendor, and all its classes by alphabet.

    Args:
        library: All data.
        path: One of `VENDOR_PAGES`.
    """
    title, text = VENDOR_PAGES[path]
    folder = path.partition("/")[0]
    rows = [row for row in library.rows if FOLDERS.get(row.vendor) == folder]
    pages: dict[str, list[Row]] = {}
    for row in rows:
        pages.setdefault(document_of(row), []).append(row)
    listed = [
        (_page(path, target, members), *_counts(members)) for target, members in pages.items()
    ]
    lines = [f"# {title}", "", text, "", "## Pages", ""]
    lines += table(("Page", "Classes and types", "Methods", "Events", "Names"), sorted(listed))
    if folder == "ours":
        return "\n".join(lines) + "\n"
    classes = sorted(
        (row for row in rows if row.kind in (Kind.CLASS, Kind.TYPE)),
        key=lambda row: row.name.lower(),
    )
    lines += ["", "## Classes and types", "", " · ".join(_link(path, row) for row in classes)]
    return "\n".join(lines) + "\n"


def _page(path: str, target: str, rows: list[Row]) -> str:
    return f"[{title_of(rows[0])}]({href(path, target)})"


def _counts(rows: list[Row]) -> tuple[str, str, str, str]:
    classes = sum(row.kind in (Kind.CLASS, Kind.TYPE) for row in rows)
    methods = sum(row.kind in (Kind.METHOD, Kind.FUNCTION) for row in rows)
    events = sum(row.kind is Kind.EVENT for row in rows)
    return str(classes), str(methods), str(events), str(len(rows))


def _link(path: str, row: Row) -> str:
    return f"[{code(row.name)}]({href(path, document_of(row), anchor_of(row))})"


def render_index(library: Library) -> str:
    """The front page: three ways to come here, and what is where."""
    same = sum(row.status is DifferenceStatus.SAME for row in library.differences)
    numbers = {
        "rows": len(library.rows),
        "beliefs": len(library.beliefs),
        "errors": len(library.errors),
        "rest": sum(row.vendor is Vendor.TWILIO_REST for row in library.rows),
        "webhooks": sum(row.vendor is Vendor.TWILIO_WEBHOOK for row in library.rows),
        "differences": len(library.differences) - same,
        "same": same,
    }
    return TEMPLATE.read_text(encoding="utf-8").format(**numbers)
