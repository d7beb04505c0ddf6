"""Restores the media connections of a session while its signaling works.

Theory of operation. A session notes each connection that was lost. One task replaces them, one
after the other, with `core/reconnect.py`'s back-off; what the connections carry stays what it is.
It ends when none is lost any more, or when the window has passed. The session owns the task.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from acs_core.core.reconnect import Backoff
from acs_core.errors import CallingError

__all__ = ["MediaLeg", "MediaRecovery"]

_log = logging.getLogger(__name__)


class MediaLeg(Protocol):
    """One media connection of a session."""

    async def replace(self) -> None:
        """Go on over a new connection."""


class MediaRecovery:
    """The lost media connections of one session, and the task that replaces them.

    Args:
        legs: The connections by name.
        window: Gives the seconds from `start` after which it is given up.
        timeout: Seconds for one attempt.
        on_restored: Told when nothing is lost any more.
        on_given_up: Told when the window has passed.
    """

    def __init__(
        self,
        legs: Mapping[str, MediaLeg],
        window: Callable[[], float],
        timeout: float,
        *,
        on_restored: Callable[[], None],
        on_given_up: Callable[[], None],
    ) -> None:
        self._legs = legs
        self._window = window
        self._timeout = timeout
        self._on_restored = on_restored
        self._on_given_up = on_given_up
        self._lost: dict[str, CallingError] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def lost(self) -> Mapping[str, CallingError]:
        """The connections that are lost, and how."""
        return MappingProxyType(self._lost)

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What replaces them, once `start` was called; the session ends it."""
        return self._task

    def note(self, leg: str, error: CallingError) -> None:
        """A connection is lost; it is replaced from `start` on."""
        self._lost[leg] = error

    def start(self) -> None:
        """Replace what is lost, unless that is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._recover(), name="media recovery")

    async def _recover(self) -> None:
        loop = asyncio.get_running_loop()
        window = self._window()
        deadline = loop.time() + window
        backoff = Backoff(window=window)
        while self._lost:
            leg, cause = next(iter(self._lost.items()))
            attempt = min(deadline, loop.time() + self._timeout)
            try:
                async with asyncio.timeout_at(attempt):
                    await self._legs[leg].replace()
                self._lost.pop(leg, None)
                continue
            except TimeoutError:
                error = cause
            except CallingError as failed:
                error = failed
            except Exception:
                _log.exception("replacing a media connection failed")
                error = cause
            if loop.time() >= deadline:
                _log.warning("media was not restored: %s", error)
                self._on_given_up()
                return
            await asyncio.sleep(backoff.next_delay(random.random()))
        self._on_restored()
