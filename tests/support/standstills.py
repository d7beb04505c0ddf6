"""When this process stood still, because the machine gave its time to others.

What is measured at such a moment says how busy the machine was, and nothing of the program.
"""

from __future__ import annotations

import asyncio
from typing import Final, Self

__all__ = ["Standstills"]

STEP: Final = 0.01
LATE: Final = 0.1
"""Seconds of delay that count."""


class Standstills:
    """Notes, while it is entered, when the event loop came late, on its own clock."""

    def __init__(self) -> None:
        self._noted: list[tuple[float, float]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name="standstills")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    def stood_still(self, moment: float, recovery: float) -> bool:
        """Whether it stood still at a moment, or up to `recovery` seconds before."""
        return any(began - LATE <= moment <= ended + recovery for began, ended in self._noted)

    def lost(self, began: float, ended: float) -> float:
        """Seconds of a time for which it stood still."""
        overlaps = (min(ended, until) - max(began, since) for since, until in self._noted)
        return sum(seconds for seconds in overlaps if seconds > 0)

    def __str__(self) -> str:
        longest = max((ended - began for began, ended in self._noted), default=0.0)
        return f"{len(self._noted)} times, for {longest * 1000:.0f} ms at most"

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(STEP)
            if (ended := loop.time()) - began > STEP + LATE:
                self._noted.append((began, ended))
