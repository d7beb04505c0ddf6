"""Both programs of the quickstart tell the same story about a second participant."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import twilio_compat
from twilio_compat.server import CompatServer

EXAMPLE = Path(__file__).parents[2] / "migration_examples" / "01_quickstart"


async def story(program: str, token: str, room: str, guest: str, *more: str) -> list[str]:
    """Run a program; once it is in, let a guest come with picture and sound, and go."""
    arguments = (str(EXAMPLE / program), token, room, "--seconds", "6", *more)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = []
    async with asyncio.timeout(40):
        lines.append((await process.stdout.readline()).decode().strip())
        assert lines[0].startswith("connected to"), lines
        media = {"audio": {"source": "tone"}, "video": {"source": "pattern"}}
        async with await twilio_compat.connect(guest, {"name": room, **media}):
            while not any(line.startswith("video of guest arrives") for line in lines):
                lines.append((await process.stdout.readline()).decode().strip())
        rest = await process.stdout.read()
        assert await process.wait() == 0
    return lines + rest.decode().split("\n")[:-1]


@pytest.mark.parametrize("program", ["compat.py", "native.py"])
async def test_program_tells_who_comes_what_arrives_and_who_leaves(
    program: str,
    calling_server: CompatServer,
    access_token: Callable[[str], str],
    room_name: str,
) -> None:
    more = ("--name", "me") if program == "native.py" else ()
    told = await story(program, access_token("me"), room_name, access_token("guest"), *more)
    assert told[0] == f"connected to {room_name} as me"
    common = [line for line in told[1:] if not line.startswith("audio")]
    assert common[:2] == ["guest is here", "video of guest arrives"]
    assert set(common[2:-1]) == {"video of guest ends", "guest left"}
    assert common[-1] == "disconnected"


def test_compat_program_keeps_every_name_of_the_original() -> None:
    before = (EXAMPLE / "before.js").read_text(encoding="utf-8")
    compat = (EXAMPLE / "compat.py").read_text(encoding="utf-8")
    names = ("localParticipant", "isSubscribed", "participantConnected", "trackSubscribed",
             "trackUnsubscribed", "participantDisconnected", "attach", "detach", "disconnect",
             "dominantSpeaker")  # fmt: skip
    assert [name for name in names if name not in before or name not in compat] == []
