"""Where actors write down what they do and hear, and where a runner waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mapping.compare.trace import Entry, EntryKind

__all__ = ["Journal"]


class Journal:
    """Entries in the order in which they were written down.

    Args:
        clock: Gives seconds of any steady clock; entries count from the first call.

    Attributes:
        entries: All so far.
        step: Number of the step that is being done; 0 outside of any.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.entries: list[Entry] = []
        self.step = 0
        self._clock = clock
        self._began = clock()
        self._written = asyncio.Event()

    def write(self, actor: str, kind: EntryKind, name: str, args: Any) -> None:
        """Write down one thing, now."""
        t = self._clock() - self._began
        self.entries.append(Entry(t, actor, kind, name, args, self.step))
        self._written.set()

    def hear(self, actor: str) -> Callable[[str, list[Any]], None]:
        """What an actor calls with each event and its described arguments."""
        return lambda name, args: self.write(actor, EntryKind.EVENT, name, args)

    def await_entry(self, index: int) -> None:
        """Note that a step depends on an entry."""
        self.entries[index] = replace(self.entries[index], awaited=True)

    async def until(self, find: Callable[[], int | None], within: float) -> int | None:
        """The first index that `find` gives as entries are written; None after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while (found := find()) is None:
                    await self.news()
        except TimeoutError:
            return find()
        return found

    async def news(self) -> None:
        """Wait until something is written."""
        self._written.clear()
        await self._written.wait()
