"""`kill -9` of the service while it composes: what is shown as done plays to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.composing_service import SECONDS
from tests.support.track_files import RED, lengths, write_color, write_tone

ROOT = Path(__file__).parents[2]
LONGEST_LIFE = 4.0
"""Seconds after which a service is killed at the latest."""
START = 120.0
"""Seconds; machines that do much else take long to start a program."""


@dataclass
class Server:
    """The service in its process."""

    process: asyncio.subprocess.Process
    http: aiohttp.ClientSession
    url: str

    async def ask(self, method: str, path: str, data: Any = None) -> Any:
        async with self.http.request(method, self.url + path, data=data) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def order(self) -> str:
        """Compose a room that is over; the SID."""
        room = await self.ask("POST", "/v1/Rooms")
        await self.ask("POST", f"/v1/Rooms/{room['sid']}", {"Status": "completed"})
        wanted = {
            "RoomSid": room["sid"],
            "AudioSources": "*",
            "VideoLayout": '{"grid": {"video_sources": ["*"]}}',
            "Resolution": "64x48",
            "Format": "mp4",
        }
        made = await self.ask("POST", "/v1/Compositions", wanted)
        return str(made["sid"])

    async def states(self) -> dict[str, str]:
        """Of all compositions; a service that composes on a busy machine may ask to come again."""
        path = f"{self.url}/v1/Compositions?PageSize=1000"
        async with asyncio.timeout(START):
            while True:
                async with self.http.get(path) as answer:
                    assert answer.status in (200, 503), await answer.text()
                    if answer.status == 200:
                        listed = await answer.json()
                        return {item["sid"]: item["status"] for item in listed["compositions"]}

    async def fetch(self, sid: str, folder: Path) -> Path:
        path = folder / f"fetched {sid}.mp4"
        async with self.http.get(f"{self.url}/v1/Compositions/{sid}/Media") as answer:
            assert answer.status == 200
            path.write_bytes(await answer.read())
        return path


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    """The service until the end of the block, which kills it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.composing_service", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), START)
        ready = json.loads(line)
        password = aiohttp.encode_basic_auth(ready["sid"], ready["secret"])
        async with aiohttp.ClientSession(headers={"Authorization": password}) as http:
            yield Server(process, http, ready["url"])
    finally:
        process.kill()
        await process.wait()


def check_whole(path: Path) -> None:
    found = lengths(path)
    assert found.keys() == {"video", "audio"}
    assert all(abs(length - SECONDS) < 0.1 for length in found.values())


async def kill_often(folder: Path, kills: int, orders: int) -> int:
    """Kill the service that often while it composes; returns how many were made in the end.

    `orders` are made in each of its lives.
    """
    write_color(folder / "picture.mkv", RED, SECONDS)
    write_tone(folder / "sound.mka", 440, SECONDS)
    files = folder / "data" / "media" / "compositions"
    moments = random.Random(1)
    ordered: set[str] = set()
    for _ in range(kills):
        async with serving(folder) as server:
            states = await server.states()
            # What was acknowledged is there, and goes on.
            assert ordered <= states.keys()
            ordered |= {await server.order() for _ in range(orders)}
            await asyncio.sleep(moments.uniform(0.0, LONGEST_LIFE))
        for path in files.glob("*.mp4"):
            check_whole(path)
    async with serving(folder) as server, asyncio.timeout(30 + 10 * len(ordered)):
        while set((await server.states()).values()) != {"completed"}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        states = await server.states()
        assert states.keys() == ordered
        for sid in ordered:
            check_whole(await server.fetch(sid, folder))
        # Nothing else is left: neither halves nor what nobody ordered.
        assert {path.stem for path in files.iterdir()} == {sid[2:] for sid in ordered}
    return len(ordered)


@pytest.mark.timeout(180)
async def test_a_killed_service_shows_nothing_half_made(tmp_path: Path) -> None:
    # It lives for half a second: nothing is whole then.
    assert await kill_often(tmp_path, 1, 1) == 1


@pytest.mark.proof
@pytest.mark.timeout(1200)
async def test_twenty_five_kills_while_composing(tmp_path: Path) -> None:
    made = await kill_often(tmp_path, 25, 2)
    assert made == 50
    print(f"killed 25 times while composing: {made} compositions, all whole")
