"""Each program that was ported line by line says what the original would say."""

from __future__ import annotations

import asyncio
import re
import runpy
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from acs_core.service.sessions import SessionTimes
from tests.support.events import next_event, until
from twilio_compat.server import CompatServer
from twilio_compat.testing import FakeParticipants
from twilio_compat.testing.network import Relay

EXAMPLES = Path(__file__).parents[2] / "migration_examples"
PORTED = ["03_mute_buttons", "04_chat", "05_dominant_speaker", "06_reconnection"]


class Typed:
    """What a user does, one line at a time."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()

    def __call__(self, line: str | None) -> None:
        """Type a line; None ends the input."""
        self._lines.put_nowait(line)

    async def lines(self) -> AsyncIterator[str]:
        while (line := await self._lines.get()) is not None:
            yield line


class Program:
    """A running example and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._printed: list[str] = []

    @property
    def printed(self) -> list[str]:
        self._printed += self._capsys.readouterr().out.splitlines()
        return self._printed

    async def prints(self, line: str) -> None:
        """Wait for a line."""
        await until(lambda: line in self.printed)


def main_of(example: str) -> Callable[..., Coroutine[Any, Any, None]]:
    main: Callable[..., Coroutine[Any, Any, None]] = runpy.run_path(
        str(EXAMPLES / example / "after.py")
    )["main"]
    return main


@asynccontextmanager
async def running(
    work: Coroutine[Any, Any, None], capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Program]:
    """Run an example, which has ended by itself when the block is left."""
    task = asyncio.create_task(work)
    try:
        yield Program(capsys)
        async with asyncio.timeout(10):
            await task
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def calling_server_options() -> dict[str, Any]:
    return {"times": SessionTimes(twilio_window=2.0)}


async def test_mute_buttons(
    access_token: Callable[[str], str],
    room_name: str,
    fake_participant: FakeParticipants,
    capsys: pytest.CaptureFixture[str],
) -> None:
    press = Typed()
    ann = await fake_participant("ann", tone=660, color="red")
    ann.mute("video")
    main = main_of("03_mute_buttons")
    async with running(main(access_token("me"), room_name, press.lines()), capsys) as program:
        await program.prints("video of ann is off")
        await ann.hears(tone=440, from_="me")
        told = next_event(ann.room, "trackDisabled")
        press("mute audio")
        publication, participant = await told
        assert (publication.kind, participant.identity) == ("audio", "me")
        told = next_event(ann.room, "trackEnabled")
        press("unmute audio")
        await told
        ann.unmute("video")
        await program.prints("video of ann is on")
        press("mute video")
        press("leave")
        await ann.parts_from("me")
    assert program.printed == [
        "video of ann is off",
        "my audio is off",
        "my audio is on",
        "video of ann is on",
        "my video is off",
    ]


async def test_chat(
    access_token: Callable[[str], str],
    room_name: str,
    fake_participant: FakeParticipants,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write = Typed()
    ann = await fake_participant("ann")
    subscribed = next_event(ann.room, "trackSubscribed")
    main = main_of("04_chat")
    async with running(main(access_token("me"), room_name, write.lines()), capsys) as program:
        await subscribed
        await program.prints("ann can be read")
        ann.send({"text": "hello"})
        await program.prints("ann: hello")
        write("good morning")
        await ann.receives_message({"text": "good morning"}, from_="me")
        await ann.leave()
        await program.prints("ann left")
        write(None)
    assert program.printed == ["ann can be read", "ann: hello", "me: good morning", "ann left"]


async def test_dominant_speaker(
    access_token: Callable[[str], str],
    room_name: str,
    fake_participant: FakeParticipants,
    capsys: pytest.CaptureFixture[str],
) -> None:
    closed = asyncio.Event()
    main = main_of("05_dominant_speaker")
    async with running(main(access_token("me"), room_name, closed), capsys) as program:
        ann = await fake_participant("ann", tone=440, color="red")
        await program.prints("ann speaks")
        ann.mute()
        await fake_participant("bob", tone=660)
        await program.prints("bob speaks")
        closed.set()
    assert [line for line in program.printed if line != "nobody speaks"] == [
        "ann speaks",
        "bob speaks",
        "disconnected",
    ]


async def test_reconnection(
    access_token: Callable[[str], str],
    calling_server: CompatServer,
    room_name: str,
    fake_participant: FakeParticipants,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = Relay(calling_server.url)
    await relay.start()
    monkeypatch.setenv("CALLING_SERVICE_URL", relay.url)
    ann = await fake_participant("ann")
    main = main_of("06_reconnection")
    async with running(main(access_token("me"), room_name, asyncio.Event()), capsys) as program:
        await ann.meets("me")
        relay.cut()
        await program.prints("reconnecting: signaling was lost")
        relay.restore()
        await program.prints("reconnected: connected")
        ann.vanish()
        await program.prints("ann is reconnecting")
        await ann.come_back()
        await program.prints("ann is connected")
        await ann.leave()
        await program.prints("ann is disconnected")
        relay.cut()
    await relay.aclose()
    assert program.printed == [
        "reconnecting: signaling was lost",
        "reconnected: connected",
        "ann is reconnecting",
        "ann is connected",
        "ann is disconnected",
        "reconnecting: signaling was lost",
        "disconnected: 53001 Signaling connection disconnected",
    ]


@pytest.mark.parametrize("example", PORTED)
def test_every_name_of_twilio_is_kept(example: str) -> None:
    before = (EXAMPLES / example / "before.js").read_text(encoding="utf-8")
    after = (EXAMPLES / example / "after.py").read_text(encoding="utf-8")
    quoted = re.findall(r"(?:on|once)\('(\w+)'", before)
    members = re.findall(r"(?:room|participant|publication|track|error)\.(\w+)", before)
    page_only = {"on", "once"}
    kept = set(re.findall(r"\w+", after))
    assert quoted
    assert {*quoted, *members} - page_only - kept == set()


@pytest.mark.parametrize("example", PORTED)
def test_every_example_says_how_to_run_it(example: str) -> None:
    readme = (EXAMPLES / example / "README.md").read_text(encoding="utf-8")
    assert "python after.py" in readme
    assert "before.js" in readme
