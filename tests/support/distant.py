"""A participant in another process, as a test sees it; see `distant_person.py`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.events import until
from tests.support.media_checks import Color
from tests.support.namespaces import Namespace
from tests.support.people import ROOM, Meeting

__all__ = ["DistantPerson", "distant_person"]

START = 60.0
"""Seconds for a Python process to import everything on a busy machine."""


class DistantPerson:
    """What a participant says of itself, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[dict[str, Any]] = []
        self._process = process
        self._reading = asyncio.create_task(self._read(), name="distant person")

    def names(self, *left_out: str) -> list[str]:
        """Its events in order."""
        return [line["event"] for line in self.lines if line["event"] not in left_out]

    def mark(self) -> int:
        """Where `event` may begin later."""
        return len(self.lines)

    async def event(
        self, name: str, *, since: int = 0, deadline: float = 10.0, **wanted: object
    ) -> dict[str, Any]:
        """The first event of a name with these details, at once when it was there already."""

        def found() -> dict[str, Any] | None:
            for line in self.lines[since:]:
                if line["event"] == name and all(line.get(k) == v for k, v in wanted.items()):
                    return line
            return None

        await until(found, deadline=deadline)
        line = found()
        assert line is not None
        return line

    async def leave(self) -> dict[str, Any]:
        """Let it leave, and wait for the process; its last line."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(START):
            await self._process.wait()
            await self._reading
        return self.lines[-1]

    async def close(self) -> None:
        """End the process however it is."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(json.loads(line))


@asynccontextmanager
async def distant_person(
    place: Meeting, namespace: Namespace, identity: str, *, color: Color, frequency: float
) -> AsyncIterator[DistantPerson]:
    """Somebody who is in the room, from a network of its own."""
    told = {
        "url": place.url,
        "token": place.server.access_token(identity),
        "name": ROOM,
        "color": color,
        "frequency": frequency,
    }
    command = (sys.executable, "-m", "tests.support.distant_person", json.dumps(told))
    process = await asyncio.create_subprocess_exec(
        *namespace.command(*command),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    person = DistantPerson(process)
    try:
        await person.event("joined", deadline=START)
        yield person
    finally:
        await person.close()
