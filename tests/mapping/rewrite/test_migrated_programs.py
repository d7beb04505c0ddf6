"""Migrated programs run, and do what they did before."""

from __future__ import annotations

import asyncio
import runpy
import sys
import uuid
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest

import twilio_compat
from mapping.rewrite.choices import read_choices
from mapping.rewrite.planner import plan_text
from tests.support.events import until
from twilio_compat.server import CompatServer
from twilio_compat.testing import FakeParticipants

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(autouse=True)
def real_time() -> None:
    """Replaces the fixture of the same name: these programs have real media."""
    asyncio.get_event_loop_policy()


@pytest.fixture(autouse=True)
def module_of_twilios_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `twilio_video` is to the programs before they are migrated."""
    module = ModuleType("twilio_video")
    vars(module).update({name: getattr(twilio_compat, name) for name in twilio_compat.__all__})
    monkeypatch.setitem(sys.modules, "twilio_video", module)


def migrated(name: str, target: str, folder: Path) -> Path:
    """A program as it becomes; as it is for the target `none`."""
    before = (PROGRAMS / name).read_text(encoding="utf-8")
    path = folder / name
    after = before
    if target != "none":
        plan = plan_text(name, before, read_choices(target=target))
        after = plan.after
        assert after != before
        assert not any(change.is_note for change in plan.changes)
    path.write_text(after, encoding="utf-8")
    return path


class Running:
    """A program at work, and what it has printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.over = asyncio.Event()
        self._capsys = capsys
        self._printed: list[str] = []

    @property
    def printed(self) -> list[str]:
        self._printed += self._capsys.readouterr().out.splitlines()
        return self._printed

    async def prints(self, line: str) -> None:
        await until(lambda: line in self.printed)


@asynccontextmanager
async def running(
    path: Path, token: str, room: str, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Running]:
    program = Running(capsys)
    task = asyncio.create_task(runpy.run_path(str(path))["main"](token, room, program.over))
    try:
        yield program
        async with asyncio.timeout(20):
            await task
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.feature("MIGRATE-002")
@pytest.mark.parametrize("target", ["none", "twilio_compat", "acs_core"])
async def test_a_greeter_says_the_same_on_every_tier(
    target: str,
    access_token: Callable[[str], str],
    room_name: str,
    fake_participant: FakeParticipants,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    path = migrated("greeter.py", target, tmp_path)
    ann = await fake_participant("ann")
    async with running(path, access_token("bot"), room_name, capsys) as program:
        await program.prints("ann is here")
        await ann.meets("bot")
        await ann.hears(tone=440, from_="bot")
        bob = await fake_participant("bob")
        await program.prints("bob is here")
        await bob.leave()
        await program.prints("bob left")
        program.over.set()
        await ann.parts_from("bot")
    assert program.printed == [
        "ann is here",
        "bob is here",
        "bob left",
        "1 others",
        "disconnected",
    ]


@pytest.mark.parametrize("target", ["none", "acs_core"])
async def test_who_mutes_track_by_track_is_muted_as_a_call(
    target: str,
    access_token: Callable[[str], str],
    room_name: str,
    fake_participant: FakeParticipants,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    path = migrated("muted.py", target, tmp_path)
    ann = await fake_participant("ann")
    async with running(path, access_token("bot"), room_name, capsys) as program:
        await program.prints("muted")
        await ann.meets("bot")
        (bot,) = ann.room.participants.values()
        await until(lambda: not any(one.is_track_enabled for one in bot.audio_tracks.values()))
        assert all(one.is_track_enabled for one in bot.video_tracks.values())
        program.over.set()
        await ann.parts_from("bot")


async def test_a_program_of_the_beta_does_the_same_without_a_warning(
    calling_server: CompatServer,
    user_token: Callable[[], str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    told: list[list[str]] = []
    for target in ("none", "acs-today"):
        path = migrated("beta.py", target, tmp_path)
        with warnings.catch_warnings():
            if target == "none":
                warnings.simplefilter("ignore", DeprecationWarning)
            async with running(path, user_token(), str(uuid.uuid4()), capsys) as program:
                await program.over.wait()
        told.append(program.printed)
    assert told[0] == told[1]
    assert "Connected False" in told[0]
    assert "LocalHold True" in told[0]
