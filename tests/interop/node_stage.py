"""A real service, a Node program that runs it, and participants of one test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from acs_core.service.app import CallingService
from tests.interop.node_side import NodeSide, node_side, operations_of
from tests.support.automation import Callbacks, callbacks
from tests.support.callers import Switch, switch
from tests.support.fake_transcriber import ScriptedTranscriber
from tests.support.people import Meeting
from twilio_compat import Room
from twilio_compat.server import CompatServer, embedded

__all__ = ["BackEnd", "Site", "azure_site", "back_end", "check_operations"]

ROOM = "daily"


class BackEnd(Meeting):
    """`Meeting`, and a Node program with Twilio's helper."""

    def __init__(self, server: CompatServer, stack: AsyncExitStack, node: NodeSide) -> None:
        super().__init__(server, stack, server.url)
        self.node = node

    async def run(self, source: str, *args: Any, **options: Any) -> Any:
        """As of `NodeSide.run`."""
        return await self.node.run(source, *args, **options)

    async def guest(self, identity: str, **options: Any) -> Room:
        """As of `Meeting`, in the room of these tests."""
        return await super().guest(identity, **{"name": ROOM, **options})

    @property
    def auth_token(self) -> str:
        """With which callbacks are signed."""
        token: str = self.server.settings.twilio_auth_token.get_secret_value()  # type: ignore[attr-defined]
        return token


@asynccontextmanager
async def back_end(**options: Any) -> AsyncIterator[BackEnd]:
    """A service with made-up credentials, and the program; all leave when the block ends.

    Args:
        **options: Settings of the service.
    """
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            embedded(options=options, transcriber=ScriptedTranscriber())
        )
        settings: Any = server.settings
        sid, key = next(iter(settings.api_keys.items()))
        credentials = {
            "TWILIO_ACCOUNT": settings.twilio_account_sid,
            "TWILIO_KEY": sid,
            "TWILIO_SECRET": key.secret,
        }
        node = await stack.enter_async_context(node_side(server.url, **credentials))
        yield BackEnd(server, stack, node)


@dataclass(frozen=True)
class Site:
    """A service with ACS-style callers, the program with Microsoft's clients, and its callbacks."""

    switch: Switch
    callbacks: Callbacks
    node: NodeSide

    @property
    def service(self) -> CallingService:
        """The service itself."""
        return self.switch.service


@asynccontextmanager
async def azure_site(**settings: Any) -> AsyncIterator[Site]:
    """All of it; all leave when the block ends.

    Args:
        **settings: Of the service.
    """
    async with switch(**settings) as running, callbacks(running.service) as sink:
        key = running.service.settings.acs_access_key
        assert key is not None
        async with node_side(running.service.url, ACS_KEY=key.get_secret_value()) as node:
            yield Site(running, sink, node)


async def check_operations(item: pytest.Item, node: NodeSide) -> None:
    """The clients have carried out what a test's mark `operations` says it proves."""
    promised = {name for mark in item.iter_markers("operations") for name in mark.args}
    if promised:
        document = await node.run(
            "async () => (await fetch(`${process.env.SERVICE_URL}/openapi.json`)).json()"
        )
        assert not promised - operations_of(document, await node.take_requests())
