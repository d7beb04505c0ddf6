"""Pages across classes: events and their order, and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mapping.documents.library import Library, anchor_of, document_of
from mapping.documents.markdown import Column, code, href, table, typed_table
from mapping.documents.reference import in_python, tests_of
from mapping.model import ErrorRow, Kind, Row, Vendor

__all__ = ["render_errors", "render_events"]

_EVENTS: Final = "events.md"


def render_events(library: Library) -> str:
    """Events of the three vendors side by side, their arguments, and in which order they come."""
    lines = [
        "# Events",
        "",
        "What a listener of one vendor's event listens to with another. Arguments are given in",
        "their order; in Python a listener takes as many of them as it likes.",
        "",
        "## Order",
        "",
        "Twilio's order is kept by `twilio_compat`:",
        "",
        *table(
            ("What", "Order", "Tests"),
            [
                (row.twilio, row.theirs, tests_of(row.proof))
                for row in library.differences
                if row.id.startswith("order-")
            ],
        ),
        "",
    ]
    titles = {
        Vendor.TWILIO_VIDEO: "Twilio Video",
        Vendor.ACS_CALLING: "ACS Calling",
        Vendor.VIDEOSDK: "VideoSDK",
    }
    for vendor, title in titles.items():
        events = [row for row in library.rows if row.kind is Kind.EVENT and row.vendor is vendor]
        lines += [f"## {title}", ""]
        for owner in dict.fromkeys(row.owner for row in events):
            chosen = [row for row in events if row.owner == owner]
            lines += [f"### {title}: {owner}", "", *typed_table(_columns(library), chosen), ""]
    return "\n".join(lines)


def _columns(library: Library) -> list[Column[Row]]:
    def link(vendor: Vendor, text: Callable[[Row], str]) -> Callable[[Row], str]:
        return lambda row: library.link(_EVENTS, vendor, text(row))

    return [
        Column("Event", lambda row: _linked(row)),
        Column("2020 (beta)", lambda row: code(row.generations.get("beta", "").partition("#")[2])),
        Column("Arguments", lambda row: ", ".join(row.args)),
        Column("In Python", in_python),
        Column("Twilio", link(Vendor.TWILIO_VIDEO, lambda row: row.twilio)),
        Column("ACS", link(Vendor.ACS_CALLING, lambda row: row.acs)),
        Column("VideoSDK", link(Vendor.VIDEOSDK, lambda row: row.videosdk)),
        Column("Why", lambda row: f"{row.why} {row.difference}".strip()),
    ]


def _linked(row: Row) -> str:
    event = row.name.partition("#")[2]
    return f"[{code(event)}]({href(_EVENTS, document_of(row), anchor_of(row))})"


def render_errors(library: Library) -> str:
    """Twilio's codes and what ACS says instead."""
    columns: list[Column[ErrorRow]] = [
        Column("Code", lambda row: str(row.code)),
        Column("Class and message", lambda row: f"{code(row.name)}<br>{row.message}"),
        Column("ACS", _acs_error),
        Column("A test raises it", lambda row: tests_of(row.proof) or "no"),
        Column("When, and why", lambda row: row.why),
    ]
    raised = sum(bool(row.proof) for row in library.errors)
    lines = [
        "# Errors",
        "",
        f"The {len(library.errors)} codes of Twilio Video and what Azure's clients say in the same",
        "situation: a call that ends has `callEndReason` with `code`, shaped like an HTTP status,",
        "and `subCode`. `twilio_compat` raises the class with Twilio's code and keeps the cause of",
        "`acs_core` in `__cause__`.",
        "",
        f"Of {raised} codes a test makes the error happen. The others have Twilio's class and",
        "words, so that a program which asks for them runs; no test raises them.",
        "",
        "```python",
        "from twilio_compat import TwilioError, connect",
        "",
        "",
        "async def main():",
        "    try:",
        '        await connect("no token", name="daily", audio=False, video=False)',
        "    except TwilioError as error:",
        "        print(error.code, type(error).__name__)  # 20101 AccessTokenInvalidError",
        "```",
        "",
    ]
    lines += typed_table(columns, sorted(library.errors, key=lambda row: row.code))
    sources = dict.fromkeys(f"{row.source}, read on {row.as_of}" for row in library.errors)
    return "\n".join([*lines, "", *(f"Source: {source}." for source in sources)]) + "\n"


def _acs_error(row: ErrorRow) -> str:
    """What ACS says instead: key, code and sub code."""
    if not row.acs_key:
        return "none"
    return f"{code(row.acs_key)}<br>{row.acs_code}, sub code {row.acs_subcode}"
