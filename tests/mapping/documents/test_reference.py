"""A page of names, made from a few rows."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mapping.concepts import Concepts
from mapping.documents.library import Library
from mapping.documents.navigation import render_settings
from mapping.documents.reference import promise, render_reference
from mapping.documents.snippets import Program, Snippet
from mapping.model import Kind, Parity, Row, Status, Vendor


def row(name: str, kind: Kind, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "vendor": Vendor.TWILIO_VIDEO,
        "section": "Room",
        "status": Status.ADAPT,
        "twilio": "",
        "acs": "none",
        "videosdk": "none",
        "compat": "",
        "native": (),
        "parity": {},
        "why": "Because.",
        "difference": "",
        "generations": {},
        "proofs": {},
        "source": "somewhere",
        "as_of": date(2026, 11, 21),
    }
    return Row(name=name, kind=kind, **(values | changes))


def library(*rows: Row, **snippets: Snippet) -> Library:
    return Library(rows, (), (), (), (), (), Concepts((), (), (), ()), snippets)


def page(made: Library, path: str = "twilio/room.md") -> str:
    return render_reference(made, path, made.sections[path])


ROOM = row("Room", Kind.CLASS, extends=("EventEmitter",), compat="Room", native=("Call",))
EMITTER = row("EventEmitter", Kind.CLASS, section="EventEmitter")
ON = row("EventEmitter.on", Kind.METHOD, section="EventEmitter")
NAME = row("Room.name", Kind.PROPERTY, videosdk="id", difference="It is | shorter.")
MEETING = row("Meeting.id", Kind.PROPERTY, vendor=Vendor.VIDEOSDK, section="Meeting")


def test_a_page_has_the_class_first_and_its_members_by_kind() -> None:
    event = row("Room#disconnected", Kind.EVENT, args=("room", "error"))
    options = row("RoomOptions", Kind.CLASS)
    text = page(library(row("RoomOptions.a", Kind.OPTION), options, event, NAME, ROOM, EMITTER))
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Room", "## Room", "### Properties", "### Events", "## RoomOptions", "### Options"
    ]  # fmt: skip
    assert '<a id="Room-disconnected"></a>`disconnected` (room, error)' in text
    assert "**`Room`**<br>`Call`" in text
    assert "It has the members of [`EventEmitter`](eventemitter.md#EventEmitter), too." in text
    assert "Because. *Differs:* It is \\| shorter." in text


def test_counterparts_are_links_where_they_have_a_row() -> None:
    made = library(ROOM, NAME, EMITTER, ON, MEETING)
    assert made.link("events.md", Vendor.TWILIO_VIDEO, "Room.name, a word") == (
        "[`Room.name`](twilio/room.md#Room.name), a word"
    )
    assert made.link("twilio/room.md", Vendor.TWILIO_VIDEO, "Room.on") == (
        "[`Room.on`](eventemitter.md#EventEmitter.on)"
    )
    assert "[`id`](../videosdk/meeting.md#Meeting.id)" in page(made)
    called = made.link("events.md", Vendor.TWILIO_VIDEO, "Room.name (a text) + Room.on()")
    assert called == (
        "[`Room.name`](twilio/room.md#Room.name) (a text) + "
        "[`Room.on`](twilio/eventemitter.md#EventEmitter.on)()"
    )
    rest = row("POST /v1/Rooms", Kind.OPERATION, vendor=Vendor.TWILIO_REST, section="Rooms")
    shown = library(rest).link("events.md", Vendor.TWILIO_VIDEO, "POST /v1/Rooms")
    assert shown == "[`POST /v1/Rooms`](rest.md#POST-v1-Rooms)"
    assert made.link("events.md", Vendor.VIDEOSDK, "none") == "none"
    assert made.link("events.md", Vendor.VIDEOSDK, "") == ""


def test_generations_are_said_once_and_old_names_with_them() -> None:
    generations = {"beta": "Call#callStateChanged", "v1": "Call#changed", "v2": "Call#changed"}
    changed = row(
        "Call#changed", Kind.EVENT, vendor=Vendor.ACS_CALLING, section="Call",
        generations=generations,
    )  # fmt: skip
    text = page(library(changed), "acs/call.md")
    assert "2020: `Call#callStateChanged`<br>1.x, 2.0 |" in text


def test_what_is_promised_is_said_by_promise_and_shown_by_tests() -> None:
    one = row(
        "Room", Kind.CLASS, parity={"js": Parity.FULL, "compat": Parity.FULL, "native": Parity.NO},
        proofs={"js": ("tests/interop/test_a.py::test_it",)},
    )  # fmt: skip
    assert promise(one) == "full: js, compat; no: native"
    text = page(library(one))
    assert "## Tests" in text
    assert "| `Room` | js | `interop/test_a.py::test_it` |" in text


def test_operations_stand_by_subject_with_call_and_parameters() -> None:
    made = library(
        row("POST /v1/Rooms", Kind.OPERATION, vendor=Vendor.TWILIO_REST, section="Rooms",
            call="client.rooms.create(...)", args=("Type",)),
        row("GET /v1/Tracks", Kind.OPERATION, vendor=Vendor.TWILIO_REST, section="Tracks"),
    )  # fmt: skip
    text = page(made, "rest.md")
    assert text.startswith("# REST operations\n")
    assert "## Rooms" in text
    assert "## Tracks" in text
    assert "`POST /v1/Rooms`<br>`client.rooms.create(...)`" in text
    assert "`Type`" in text


def test_a_program_is_shown_before_and_after_with_what_it_prints() -> None:
    snippet = Snippet(
        "before();\n", Program("a.py", "It does.", "after()\n"),
        Program("n.py", "", "native()\n"), "done\n",
    )  # fmt: skip
    text = page(library(ROOM, twilio_room=snippet))
    parts = ["It does.", "```js\nbefore();\n```", "`twilio_compat`:\n\n```python\nafter()\n```"]
    parts += ["`acs_core`:\n\n```python\nnative()\n```", "```text\ndone\n```"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_document_without_a_place_in_the_navigation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lost\.md has no place"):
        render_settings(library(), ["lost.md"])
