"""What stands in the way of `acs_core` is said where it stands, with its counterpart."""

from __future__ import annotations

import pytest

from mapping.load import find
from mapping.model import Vendor
from mapping.rewrite.choices import read_choices
from mapping.rewrite.planner import plan_text

HEAD = """\
from twilio_compat import TwilioError, connect


async def main(token):
    room = await connect(token, name="daily", audio=False, video=False)
"""


def notes(body: str) -> list[str]:
    plan = plan_text("bot.py", HEAD + body, read_choices(target="acs_core"))
    assert all(change.is_note for change in plan.changes)
    return [change.summary for change in plan.changes]


@pytest.mark.parametrize(
    ("line", "symbol"),
    [
        ("print(room.sid)", "Room.sid"),
        ("print(room.localParticipant)", "Room.localParticipant"),
        ("room.on('trackSubscribed', print)", "Room#trackSubscribed"),
        ("room.on('dominant_speaker_changed', print)", "Room#dominantSpeakerChanged"),
    ],
)
def test_a_member_is_named_with_what_it_is_in_acs(line: str, symbol: str) -> None:
    row = find(Vendor.TWILIO_VIDEO, symbol)
    assert row is not None
    counterpart = ", ".join(row.native) or row.acs
    assert notes(f"    {line}\n") == [f"by hand for acs_core: {symbol} is {counterpart}."]


@pytest.mark.parametrize(
    "line",
    [
        "room.on('participantConnected', print)",
        "room.on('participantConnected', lambda *people: people)",
        "room.on('participantConnected', lambda participant: participant.sid)",
        "room.on('participantConnected', lambda participant: keep(participant))",
        "room.on(event, lambda participant: None)",
        "room.once('participantConnected', lambda participant: None)",
        "room.on('disconnected', lambda room, error, more: None)",
        "room.on('disconnected', lambda other, error: print(error.code))",
        "update = 1; room.on('participantConnected', lambda participant: None)",
        "everybody = room.participants",
        "everybody = list(room.participants.values())",
        "room.participants.forEach(print)",
        "print(room)",
        "leave = lambda: room.disconnect()",
        "left = room.disconnect()",
        "print(room.name, room.state)",
    ],
)
def test_what_is_not_understood_leaves_the_program_as_it_is(line: str) -> None:
    assert len(notes(f"    {line}\n")) == 1


def test_a_coroutine_function_is_no_listener_of_an_update() -> None:
    body = """
    async def arrived(participant):
        print(participant.identity)

    room.on("participantConnected", arrived)
"""
    assert notes(body)


def test_a_name_that_is_two_things_stays() -> None:
    body = """
    for room in room.participants.values():
        print(room.identity)
"""
    assert notes(body)


def test_an_imported_name_that_is_left_keeps_the_import() -> None:
    body = "    print(isinstance(token, TwilioError))\n"
    assert len(notes(body)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import twilio_compat, os\nroom = twilio_compat.connect\n",
        "import twilio_compat\nasync def f(t):\n    self.room = await twilio_compat.connect(t)\n",
        "from twilio_compat import connect\nfrom twilio_compat import record\nconnect(token)\n",
        "from twilio_compat import connect\nasync def f(t):\n    keep(connect(t, name='x'))\n",
        "from twilio_compat import connect\nasync def f(*t):\n    room = await connect(*t)\n",
        "from twilio_compat import connect\nasync def f(t):\n"
        "    a = 1; room = await connect(t, name='x', audio=False, video=False)\n",
        "from twilio_compat import connect\nasync def f(t):\n"
        "    async with await connect(t, name='x', audio=False, video=False) as r, other: pass\n",
        "from twilio_compat import connect\nasync def f(t):\n"
        "    async with await connect(t, name='x', audio=False, video=False) as r: pass\n",
    ],
)
def test_other_shapes_of_joining_are_left_to_a_person(text: str) -> None:
    plan = plan_text("bot.py", text, read_choices(target="acs_core"))
    assert plan.changes
    assert all(change.is_note for change in plan.changes)
