from __future__ import annotations

import pytest

from mapping.documents.markdown import Column, cell, code, codes, href, slug, table, typed_table


def test_a_cell_cannot_break_its_table() -> None:
    assert cell("a | b\nc") == "a \\| b c"
    assert table(("A", "B"), [("1", "x|y")]) == ["| A | B |", "|---|---|", "| 1 | x\\|y |"]


def test_a_cell_keeps_html_as_text() -> None:
    assert cell('<script src="x"> and `<b>`') == '&lt;script src="x"> and `<b>`'
    assert cell('<a id="x"></a>`x`<br>y') == '<a id="x"></a>`x`<br>y'


def test_code_of_nothing_is_nothing() -> None:
    assert code("") == ""
    assert codes(["a", "b"]) == "`a`, `b`"


@pytest.mark.parametrize(
    ("source", "target", "fragment", "expected"),
    [
        ("index.md", "twilio/room.md", "", "twilio/room.md"),
        ("twilio/room.md", "acs/call.md", "Call.id", "../acs/call.md#Call.id"),
        ("twilio/room.md", "twilio/track.md", "", "track.md"),
        ("twilio/room.md", "twilio/room.md", "Room", "#Room"),
        ("twilio/room.md", "events.md", "", "../events.md"),
    ],
)
def test_documents_link_relatively(source: str, target: str, fragment: str, expected: str) -> None:
    assert href(source, target, fragment) == expected


def test_a_slug_is_an_address() -> None:
    assert slug("Functions and constants") == "functions-and-constants"


def test_columns_without_anything_are_left_out() -> None:
    columns: list[Column[int]] = [Column("N", str), Column("Empty", lambda _: "none")]
    assert typed_table(columns, [1, 2]) == ["| N |", "|---|", "| 1 |", "| 2 |"]
