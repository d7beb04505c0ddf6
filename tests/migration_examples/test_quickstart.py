"""The programs of the quickstart tell who comes, what arrives, and who leaves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from tests.migration_examples.conftest import Run
from tests.support.example_programs import EXAMPLES
from twilio_compat.server import CompatServer
from twilio_compat.testing import FakeParticipants

TOPIC = "01_quickstart"


async def test_all_programs_tell_the_same(
    run: Run,
    told: Callable[[str, list[str]], list[str]],
    room_name: str,
    fake_participant: FakeParticipants,
) -> None:
    ann = await fake_participant("ann", color="red")
    async with run(TOPIC) as program:
        await program.prints("video of ann arrives")
        await ann.hears(tone=440, from_="me")
        await ann.sees(color=(200, 0, 0), from_="me")
        ben = await fake_participant("ben", tone=660)
        await program.prints("ben is here")
        await ann.unpublish("video")
        await program.prints("video of ann ends")
        await ben.leave()
        await program.prints("ben left")
    assert told(TOPIC, program.printed) == [
        f"connected to {room_name}",
        "ann is here",
        "video of ann arrives",
        "ben is here",
        "video of ann ends",
        "ben left",
        "disconnected",
    ]


async def test_it_runs_from_a_shell(
    calling_server: CompatServer, access_token: Callable[[str], str], room_name: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / TOPIC / "compat.py"),
        access_token("me"),
        room_name,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=EXAMPLES.parent,
    )
    async with asyncio.timeout(40):
        printed, _ = await process.communicate(b"")
    assert process.returncode == 0
    assert printed.decode().splitlines() == [f"connected to {room_name}", "disconnected"]
