"""Restores the media connections of a session while its signaling works.

Theory of operation. A session notes each connection that was lost; with it goes every other one
that has been silent for too long to be well, which would only tell a moment later. One task
replaces them, one after the other, with `core/reconnect.py`'s back-off; what the connections carry
stays what it is. Whatever began before signaling came back begins anew then: it may use addresses
of a network that is gone. It ends when none is lost any more, or when the window has passed. The
session owns the task.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from acs_core.core.reconnect import Backoff
from acs_core.errors import CallingError

__all__ = ["MediaLeg", "MediaRecovery"]

_log = logging.getLogger(__name__)


SUSPICIOUS_SILENCE: Final = 2.0
"""Seconds; a connection that works hears an answer to its checks every second (RFC 7675)."""


class MediaLeg(Protocol):
    """One media connection of a session."""

    @property
    def connection(self) -> int:
        """The number of the newest connection."""

    @property
    def is_connected(self) -> bool:
        """Whether there is nothing to connect, or it is connected."""

    @property
    def silence(self) -> float:
        """Seconds since anything was heard; 0 before there is a connection that works."""

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
        self._resumed = asyncio.Event()
        self._attempt: asyncio.Timeout | None = None

    @property
    def lost(self) -> Mapping[str, CallingError]:
        """The connections that are lost, and how."""
        return MappingProxyType(self._lost)

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What replaces them, once `start` was called; the session ends it."""
        return self._task

    def connection(self, leg: str) -> int:
        """The number of a leg's newest connection."""
        return self._legs[leg].connection

    def note(self, leg: str, error: CallingError, connection: int) -> bool:
        """A connection is lost; it is replaced from `start` on.

        Args:
            leg: Which of them.
            error: How it was lost.
            connection: Its number.

        Returns:
            False when another one works in its place already.
        """
        lost = self._legs[leg]
        if lost.is_connected and lost.connection != connection:
            return False
        self._lost[leg] = error
        for name, other in self._legs.items():
            if other.silence > SUSPICIOUS_SILENCE:
                self._lost.setdefault(name, error)
        return True

    def signaling_resumed(self) -> None:
        """Signaling is back, maybe over another network."""
        self._resumed.set()
        # One whose time is over is being ended already, and takes no other time.
        if self._attempt is not None and not self._attempt.expired():
            self._attempt.reschedule(asyncio.get_running_loop().time())

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
            error = await self._replace(leg, cause, deadline)
            if error is None:
                self._lost.pop(leg, None)
                continue
            if loop.time() >= deadline:
                _log.warning("media was not restored: %s", error)
                self._on_given_up()
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.next_delay(random.random())):
                    await self._resumed.wait()
                backoff.reset()
            self._resumed.clear()
        self._on_restored()

    async def _replace(self, leg: str, cause: CallingError, deadline: float) -> CallingError | None:
        """One attempt; the error if it fails."""
        limit = min(deadline, asyncio.get_running_loop().time() + self._timeout)
        try:
            async with asyncio.timeout_at(limit) as self._attempt:
                await self._legs[leg].replace()
        except TimeoutError:
            return cause
        except CallingError as failed:
            return failed
        except Exception:
            _log.exception("replacing a media connection failed")
            return cause
        finally:
            self._attempt = None
        return None
