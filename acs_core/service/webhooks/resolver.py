"""Resolves names in threads that nobody waits for.

The system's resolver cannot be interrupted: name servers that do not answer hold its caller for
half a minute and more, and who names a URL also names its name servers. In the threads of the event
loop such look-ups would stand in the way of everybody who needs one, and of the end of the program,
which waits for those threads. Here each look-up has a thread of its own that ends with the process.

Source: resolv.conf(5), whose usual time-out is 5 s for each of 2 attempts at each of 3 servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["DetachedResolver"]

MOST_LOOKUPS: Final = 64
"""At a time; as many as webhooks under way."""
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class DetachedResolver(AbstractResolver):
    """Asks the system for addresses; who is cancelled leaves a thread behind, which ends by itself.

    Args:
        most: Look-ups at a time, given up ones included; further ones wait.
        look_up: Instead of `socket.getaddrinfo`.
    """

    def __init__(
        self,
        *,
        most: int = MOST_LOOKUPS,
        look_up: Callable[..., Any] = socket.getaddrinfo,
    ) -> None:
        self._places = asyncio.Semaphore(most)
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name; has no deadline of its own.

        Raises:
            OSError: The name cannot be resolved.
            UnicodeError: It is no name of a host.
        """
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        thread = threading.Thread(
            target=self._run,
            args=(loop, answer, host, port, family),
            name=f"look-up of {host}",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError as error:
            self._places.release()
            raise OSError("There is no thread for the look-up.") from error
        return [_result(host, found) for found in await answer]

    async def close(self) -> None:
        """Nothing is open; threads end by themselves."""

    def _run(
        self,
        loop: asyncio.AbstractEventLoop,
        answer: asyncio.Future[Any],
        host: str,
        port: int,
        family: socket.AddressFamily,
    ) -> None:
        """What the thread does."""
        found, failure = None, None
        try:
            found = self._look_up(
                host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
        except Exception as error:
            failure = error
        # The loop may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._tell, answer, found, failure)

    def _tell(self, answer: asyncio.Future[Any], found: Any, failure: Exception | None) -> None:
        self._places.release()
        if answer.done():
            return
        if failure is None:
            answer.set_result(found)
        else:
            answer.set_exception(failure)


def _result(host: str, found: tuple[Any, ...]) -> ResolveResult:
    family, _, protocol, _, address = found
    zone = address[3] if family == socket.AF_INET6 else 0
    return ResolveResult(
        hostname=host,
        host=f"{address[0]}%{zone}" if zone else address[0],
        port=address[1],
        family=family,
        proto=protocol,
        flags=_NUMERIC,
    )
