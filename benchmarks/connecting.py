"""How long it takes from `twilio_compat.connect()` to the first picture of somebody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.processes import python_child, two_cores
from benchmarks.report import Cell, Result, Spread, percentile
from twilio_compat import RemoteVideoTrack, Room, connect

__all__ = ["measure_connect"]

ROOM = "first-frame"
TIMEOUT = 20.0
PAUSE = 1.0
"""Seconds between two joins: requests for key frames are throttled per publisher, and who comes
right after somebody else waits for that."""
_MEDIA: dict[str, dict[str, Any]] = {
    "receives only": {"audio": False, "video": False},
    "publishes audio and video too": {"audio": {"source": "tone"}, "video": {"source": "pattern"}},
}


async def measure_connect(*, times: int = 20) -> Result:
    """Join a room in which one participant publishes audio and video, and leave it again."""
    service_core, _ = two_cores()
    async with (
        python_child("benchmarks.service", "--tokens", str(times + 2), core=service_core) as (
            _service,
            ready,
        ),
        python_child(
            "benchmarks.speaker", ready["url"], ROOM, ready["access_tokens"][0], core=service_core
        ),
    ):
        rows = [
            (name, *await _row(ready["url"], ready["access_tokens"][1:], media, times))
            for name, media in _MEDIA.items()
        ]
    return Result(
        "connect",
        "milliseconds from connect(), on loopback; one other participant, with audio and video",
        (
            "participant",
            "connect() returned, median",
            "first frame, median",
            "first frame, p95",
            "first frame, most",
        ),
        tuple(rows),
        (
            f"{times} times after one that is not counted, {PAUSE:g} s apart; a token each",
            "service and publisher are processes of their own; the publisher encodes 640x360 VP8 "
            "and is asked for a key frame each time",
        ),
    )


async def _row(
    url: str, tokens: Sequence[str], media: dict[str, Any], times: int
) -> tuple[Cell, ...]:
    connected, first = [], []
    for index, token in enumerate(tokens[: times + 1]):
        await asyncio.sleep(PAUSE)
        found = await _once(url, token, media)
        if index:
            connected.append(1e3 * found[0])
            first.append(1e3 * found[1])
    return (
        Spread.of([percentile(connected, 0.5)], 0),
        Spread.of([percentile(first, 0.5)], 0),
        Spread.of([percentile(first, 0.95)], 0),
        Spread.of([max(first)], 0),
    )


async def _once(url: str, token: str, media: dict[str, Any]) -> tuple[float, float]:
    """Seconds until `connect` returned, and until a frame of somebody else was there."""
    async with asyncio.timeout(TIMEOUT):
        start = time.perf_counter()
        room = await connect(token, name=ROOM, service_url=url, **media)
        connected = time.perf_counter() - start
        try:
            frames = (await _video(room)).frames()
            await anext(frames)
            return connected, time.perf_counter() - start
        finally:
            room.disconnect()
            await room.closed()


async def _video(room: Room) -> RemoteVideoTrack:
    changed = asyncio.Event()
    room.on("trackSubscribed", lambda *_: changed.set())
    while True:
        for participant in room.participants.values():
            for publication in participant.tracks.values():
                if isinstance(publication.track, RemoteVideoTrack):
                    return publication.track
        changed.clear()
        await changed.wait()
