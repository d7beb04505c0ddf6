"""Calls against a scripted service, ready to be used in tests."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from acs_core import (
    Call,
    CallAgent,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    GroupCallLocator,
    JoinCallOptions,
)
from acs_core.client.credential import AzureCommunicationTokenCredential
from acs_core.client.emitter import Emitter
from acs_core.core.facts import EndpointInfo, PublicationInfo, PublicationKind
from tests.support.fake_session import FakeLink, FakeSession

__all__ = ["Log", "agent", "endpoint", "joined", "publication", "settle"]


class Log:
    """Writes down events: (name, arguments), in order."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, tuple[Any, ...]]] = []

    def watch(self, emitter: Emitter, prefix: str = "") -> Log:
        for name in emitter.EVENTS:
            emitter.on(name, self._writer(prefix + name))
        return self

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.entries]

    def _writer(self, name: str) -> Callable[..., None]:
        return lambda *args: self.entries.append((name, args))


class StaticToken:
    """A credential without a token inside."""

    async def get_token(self) -> Any:
        raise AssertionError("the scripted service asks for no token")


def credential() -> AzureCommunicationTokenCredential:
    return cast(AzureCommunicationTokenCredential, StaticToken())


@asynccontextmanager
async def agent(
    link: FakeLink, options: CallClientOptions | None = None
) -> AsyncIterator[CallAgent]:
    """A call agent on a scripted service; sampling is left to the test."""
    chosen = options or CallClientOptions(sample_interval=3600.0)
    async with CallClient(chosen, link_factory=link.factory) as client:
        yield await client.create_call_agent(credential(), CallAgentOptions("Me"))


@asynccontextmanager
async def joined(
    options: JoinCallOptions | None = None,
    *,
    prepare: Callable[[FakeSession], None] | None = None,
    client: CallClientOptions | None = None,
) -> AsyncIterator[tuple[Call, FakeSession]]:
    """A connected call and the session that a test scripts."""
    link = FakeLink(prepare)
    async with agent(link, client) as the_agent:
        call = the_agent.join(GroupCallLocator(str(uuid.uuid4())), options)
        await call.connected()
        yield call, link.sessions[0]


def publication(
    number: int,
    kind: PublicationKind = PublicationKind.VIDEO,
    *,
    name: str = "",
    enabled: bool = True,
) -> PublicationInfo:
    return PublicationInfo(
        id=f"{number:032x}",
        number=number,
        kind=kind,
        name=name or f"p{number}",
        enabled=enabled,
    )


def endpoint(letter: str, *publications: PublicationInfo, user: str | None = None) -> EndpointInfo:
    return EndpointInfo(
        id=letter * 32,
        identity=f"8:acs:resource_{user or letter}",
        name=(user or letter).upper(),
        publications=publications,
    )


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)
