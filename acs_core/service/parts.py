"""Parts of the service: each serves its routes, has a life of its own, and hears of the calls.

The service starts its parts in the order in which they were added, when the database is open and
before the first client can come, and closes them in reverse when the last call has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from acs_core.core.facts import Fact
from acs_core.service.openapi import ApiFamily

if TYPE_CHECKING:
    from acs_core.service.server_call import ServerCall

__all__ = ["ServicePart"]


class ServicePart:
    """One part; every method does nothing unless a subclass says otherwise.

    What hears of calls must neither wait nor raise: it is called in the middle of a change. It may
    look at the call, and change something in a task of its own.
    """

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """What it serves; asked for before `start`."""
        return ()

    def described(self) -> Sequence[ApiFamily]:
        """What it serves as its callers see it, for the OpenAPI document."""
        return ()

    async def start(self) -> None:
        """Begin; the service's database is open, its media side is there, nobody can come yet."""

    async def close(self) -> None:
        """End, within 2 s; also after a `start` that failed."""

    def call_started(self, call: ServerCall) -> None:
        """A call has begun; nobody is in it."""

    def committed(self, call: ServerCall, fact: Fact) -> None:
        """Something has become true in a call, and everybody in it was told."""

    def call_ended(self, call: ServerCall) -> None:
        """A call is over; everybody has left."""
