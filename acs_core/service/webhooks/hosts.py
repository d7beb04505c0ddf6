"""Turns at hosts: so many requests to one at a time, and none for a while to one that is broken.

A slow host costs the others nothing: it holds its own places only, which are a small share of all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Breaker", "HostTurns"]

MOST_IDLE: Final = 1000
"""Hosts without requests that are remembered for having failed."""


class Breaker:
    """Whether a host is tried: not for a while, once it has failed again and again.

    After that while one request tries it; the others wait for how that goes.

    Args:
        failures: So many in a row open it.
        pause: Seconds until the next try.
    """

    def __init__(self, *, failures: int, pause: float) -> None:
        self._limit = failures
        self._pause = pause
        self._failures = 0
        self._tried_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the host is left alone."""
        return self._tried_at is not None

    def wait(self, now: float) -> float:
        """Seconds until the host may be asked; 0 means now, and whoever is told so must ask.

        Args:
            now: Seconds of any steady clock.
        """
        if self._tried_at is None:
            return 0.0
        left = self._tried_at + self._pause - now
        if left <= 0:
            self._tried_at = now
        return max(0.0, left)

    def succeeded(self) -> None:
        """The host answered."""
        self._failures, self._tried_at = 0, None

    def failed(self, now: float) -> None:
        """It did not, or only that it is broken."""
        self._failures += 1
        if self._failures >= self._limit:
            self._tried_at = now


@dataclass(slots=True)
class _Host:
    breaker: Breaker
    places: asyncio.Semaphore
    users: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class HostTurns:
    """Gives out turns.

    Args:
        places: Requests at a time, at all hosts together.
        per_host: At one host.
        failures: See `Breaker`.
        pause: See `Breaker`.
    """

    def __init__(self, *, places: int, per_host: int, failures: int, pause: float) -> None:
        self._places = asyncio.Semaphore(places)
        self._per_host = per_host
        self._failures = failures
        self._pause = pause
        self._hosts: dict[str, _Host] = {}

    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[Breaker]:
        """Wait for a turn at a host; tell the breaker that it yields how it went."""
        host = self._host(name)
        host.users += 1
        try:
            async with host.places:
                await self._until_closed(host)
                async with self._places:
                    yield host.breaker
        finally:
            host.users -= 1
            host.changed.set()
            if not host.users and not host.breaker.is_open:
                self._hosts.pop(name, None)

    def _host(self, name: str) -> _Host:
        if name not in self._hosts:
            if len(self._hosts) >= MOST_IDLE:
                self._hosts = {key: host for key, host in self._hosts.items() if host.users}
            breaker = Breaker(failures=self._failures, pause=self._pause)
            self._hosts[name] = _Host(breaker, asyncio.Semaphore(self._per_host))
        return self._hosts[name]

    async def _until_closed(self, host: _Host) -> None:
        loop = asyncio.get_running_loop()
        while (pause := host.breaker.wait(loop.time())) > 0:
            host.changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await host.changed.wait()
