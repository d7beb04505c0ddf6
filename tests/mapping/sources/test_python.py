"""Which names of an SDK a Python program uses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.sources import python
from mapping.sources.uses import Api, Confidence, SourceFile, UseKind


def symbols(text: str) -> list[str]:
    """The names that a text uses, imports left out."""
    found = python.read("a.py", text)
    assert not found.problem
    for use in found.uses:
        assert text[use.span.start : use.span.end] == use.text
    return [use.symbol for use in found.uses if use.kind is not UseKind.IMPORT]


def assert_uses_are_parts_of(text: str, found: SourceFile) -> None:
    """Each use stands where it says, and they come in the order of the text."""
    for use in found.uses:
        assert text[use.span.start : use.span.end] == use.text
    places = [(use.span.start, use.span.end) for use in found.uses]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "text",
    [
        "from twilio_compat import connect\nconnect(t)",
        "from twilio_compat import connect as join\njoin(t)",
        "import twilio_compat\ntwilio_compat.connect(t)",
        "import twilio_compat as Video\nVideo.connect(t)",
        "import twilio_video as Video\nVideo.connect(t)",
        "from twilio.video import connect\nconnect(t)",
        "from twilio import video\nvideo.connect(t)",
    ],
)
def test_every_way_to_import_leads_to_connect(text: str) -> None:
    assert symbols(text) == ["connect"]


def test_both_spellings_are_one_name() -> None:
    text = """from twilio_compat import connect
async def f():
    room = await connect(t, dominant_speaker=True)
    room.local_participant.publish_track(t)
    room.localParticipant.publishTrack(t)
"""
    assert symbols(text) == [
        "connect",
        "ConnectOptions.dominantSpeaker",
        "Room.localParticipant",
        "LocalParticipant.publishTrack",
        "Room.localParticipant",
        "LocalParticipant.publishTrack",
    ]


def test_listeners_get_what_events_pass() -> None:
    text = """from twilio_compat import connect
async def f():
    async with await connect(t) as room:
        @room.on("participantConnected")
        def joined(participant):
            participant.identity
        room.on("disconnected", gone)
def gone(room, error):
    room.sid
"""
    assert symbols(text) == [
        "connect",
        "Room#participantConnected",
        "Participant.identity",
        "Room#disconnected",
        "Room.sid",
    ]


def test_requests_of_the_helper_are_found_without_version_and_arguments() -> None:
    text = """from twilio.rest import Client
client = Client(a, b)
client.video.v1.rooms("x").participants.list()
client.messages.create()
"""
    found = [use.symbol for use in python.read("a.py", text).uses]
    assert "video.rooms.participants.list" in found


def test_modules_of_the_helper_are_followed_by_their_whole_names() -> None:
    text = """import twilio.jwt.access_token.grants
import twilio.rest
twilio.rest.Client(a, b).video.rooms.list()
token = twilio.jwt.access_token.AccessToken(a, b, c)
token.add_grant(twilio.jwt.access_token.grants.VideoGrant(room="x"))
token.to_jwt()
"""
    assert symbols(text) == [
        "Client",
        "Client.video",
        "video.rooms",
        "video.rooms.list",
        "AccessToken",
        "AccessToken.addGrant",
        "VideoGrant",
        "VideoGrantOptions.room",
        "AccessToken.toJwt",
    ]


def test_modules_of_the_program_are_followed_one_step() -> None:
    one = python.read(
        "one.py",
        "from twilio_compat import connect\nasync def join(t):\n    return await connect(t)\n",
    )
    assert one.exports["join"] == "twilio_compat:()Promise<Room>"
    text = "from one import join\nasync def f():\n    room = await join(1)\n    room.disconnect()\n"
    found = python.read("two.py", text, modules={"one": one.exports})
    assert [(use.symbol, use.confidence) for use in found.uses] == [
        ("Room.disconnect", Confidence.LIKELY)
    ]


def test_positions_count_characters_behind_marks_and_wide_ones() -> None:
    text = "\ufeff'é😀'; from twilio_compat import connect\r\n'😀'; connect(t)\r\n"
    use = python.read("a.py", text).uses[-1]
    assert text[use.span.start : use.span.end] == "connect"
    assert (use.api, use.span.line) == (Api.TWILIO_COMPAT, 2)


def test_text_that_is_no_python_is_a_problem() -> None:
    problem = python.read("a.py", "import twilio_compat\nprint 'x'").problem
    assert problem.startswith("not Python: line 2: Missing parentheses")
    assert "<unknown>" not in problem
    assert python.read("a.py", "twilio\0").problem
    assert python.read("a.py", "twilio = " + "(" * 5000).problem


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_text_is_read_or_said_to_be_no_python(text: str) -> None:
    for whole in ("import twilio_compat\n" + text, text + "\n# twilio"):
        found = python.read("a.py", whole)
        assert not (found.uses and found.problem)
        assert_uses_are_parts_of(whole, found)
    with_import = python.read("a.py", "import twilio_compat\n" + text)
    assert with_import.problem or with_import.uses[0].symbol == "*"


_LINES = st.sampled_from(
    [
        "room = connect(t)",
        "room.on('x', lambda *a, **k: a)",
        "@room.on('disconnected')\ndef f(a, /, b, *, c): return room",
        "for a, (b, *c) in room.participants.items(): a[b] = c",
        "x: 'Room | None' = room",
        "class A(Room):\n    def g(self): self.room = room; return self.g()",
        "with room as (a, b): del a",
        "connect(*y, **x, name=1)",
        "f()",
        "match room:\n    case {'a': b}: b.sid",
        "[a async for a in room] if (y := room) else {**room}",
        "lambda: (yield)",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(_LINES, max_size=12))
def test_any_program_is_read_wholly(lines: list[str]) -> None:
    text = "from twilio_compat import Room, connect\n" + "\n".join(lines)
    found = python.read("a.py", text)
    assert not found.problem
    assert_uses_are_parts_of(text, found)
    assert [use.symbol for use in found.uses[:2]] == ["Room", "connect"]


@pytest.mark.timeout(20)
def test_long_chains_of_calls_are_read_once() -> None:
    chain = "twilio_compat.connect(token)" + "".join(f".step{n}()" for n in range(60))
    assert symbols(f"import twilio_compat\n{chain}") == ["connect"]
