"""A client that watches, as a child process: `python -m benchmarks.viewer URL ROOM TOKEN COUNT`.

Prints a line when it is subscribed to COUNT videos. Answers ``measure SECONDS`` with what it used
meanwhile and ``read`` when it has begun to read every video; ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time

from benchmarks.processes import cpu_seconds, resident_bytes
from twilio_compat import RemoteVideoTrack, Room, connect

__all__: list[str] = []


class Viewer:
    """Reads the videos of a room, or lets them be."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._frames = 0
        self._readers: list[asyncio.Task[None]] = []

    async def subscribed(self, count: int) -> None:
        """Return when that many videos are subscribed."""
        changed = asyncio.Event()
        self._room.on("trackSubscribed", lambda *_: changed.set())
        while len(self._tracks()) < count:
            changed.clear()
            await changed.wait()

    def read(self) -> None:
        """Begin to read every video, and throw the frames away."""
        self._readers = [asyncio.create_task(self._read(track)) for track in self._tracks()]

    async def measure(self, seconds: float) -> dict[str, float]:
        """What is used in that time."""
        pid = os.getpid()
        rss, cpu, frames, start = (
            resident_bytes(pid),
            cpu_seconds(pid),
            self._frames,
            time.perf_counter(),
        )
        await asyncio.sleep(seconds)
        elapsed = time.perf_counter() - start
        return {
            "cpu_percent": 100 * (cpu_seconds(pid) - cpu) / elapsed,
            "grown": resident_bytes(pid) - rss,
            "rss": resident_bytes(pid),
            "frames_per_second": (self._frames - frames) / elapsed,
        }

    async def close(self) -> None:
        """Stop reading and leave."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._room.disconnect()
        await self._room.closed()

    def _tracks(self) -> list[RemoteVideoTrack]:
        return [
            publication.track
            for participant in self._room.participants.values()
            for publication in participant.tracks.values()
            if isinstance(publication.track, RemoteVideoTrack)
        ]

    async def _read(self, track: RemoteVideoTrack) -> None:
        async for _ in track.frames():
            self._frames += 1


async def _watch(url: str, room_name: str, token: str, count: int) -> None:
    loop = asyncio.get_running_loop()
    room = await connect(token, name=room_name, audio=False, video=False, service_url=url)
    viewer = Viewer(room)
    await viewer.subscribed(count)
    print(json.dumps({"subscribed": count}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command, _, argument = line.strip().partition(" ")
        answer: dict[str, float] = {}
        if command == "read":
            viewer.read()
        else:
            answer = await viewer.measure(float(argument))
        print(json.dumps(answer), flush=True)
    await viewer.close()


def main() -> None:
    """Watch until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("room")
    parser.add_argument("token")
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    asyncio.run(_watch(arguments.url, arguments.room, arguments.token, arguments.count))


if __name__ == "__main__":
    main()
