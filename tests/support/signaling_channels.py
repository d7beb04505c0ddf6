"""Data channels of a page's media signaling: real ones, and ones without a connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from acs_core import wire
from acs_core.core.facts import PublicationKind
from acs_core.errors import InvalidArgumentError, TransportError
from acs_core.rtc.data import DataChannel
from acs_core.service.calls import CallLimits, Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms
from tests.support.data_ends import data_ends
from tests.support.events import until
from twilio_compat.gateway.channels import Channel, MediaSignaling

__all__ = [
    "ALL",
    "READY",
    "Wire",
    "announced",
    "demand",
    "has_heard",
    "principal",
    "room",
    "talking",
    "wired",
]

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
ALL = {kind.value: {"transports": [{"type": "data-channel"}]} for kind in Channel}
READY = {"type": "ready"}


def room(limits: CallLimits | None = None) -> tuple[Endpoint, Endpoint, str, str]:
    """We, somebody else, and a video of each."""
    call = Calls(rooms=Rooms(), limits=limits).resolve(GROUP, principal("anna"))
    ends = []
    for letter, name in (("a", "anna"), ("b", "ben")):
        video = wire.NewPublication(key="v", kind=PublicationKind.VIDEO)
        ends.append(
            call.join(letter * 32, principal(name), EndpointObserver(), publications=[video])
        )
    ours, theirs = ends
    own, foreign = (next(iter(end.publications)) for end in ends)
    return ours, theirs, own, foreign


def principal(name: str) -> Principal:
    """A user of this name."""
    return Principal(f"8:acs:r_{name}", PrincipalKind.ACS, 2e9)


class Page:
    """What the SDK does with its ends of the channels."""

    def __init__(self, signaling: MediaSignaling, requested: dict[str, Any] = ALL) -> None:
        self.announced = announced(signaling, requested)
        self.channels: dict[str, DataChannel] = {}
        self.inbox: dict[str, asyncio.Queue[Any]] = {kind: asyncio.Queue() for kind in ALL}

    def accept(self, channel: DataChannel) -> None:
        kind = next(key for key, label in self.announced.items() if label == channel.label)
        self.channels[kind] = channel
        channel.on_message = lambda text: self.inbox[kind].put_nowait(json.loads(text))

    def say(self, kind: str, message: object) -> None:
        self.channels[kind].send(message if isinstance(message, bytes) else json.dumps(message))

    async def hear(self, kind: str) -> Any:
        async with asyncio.timeout(10):
            return await self.inbox[kind].get()

    async def is_told_nothing(self, kind: str) -> None:
        await self.has_been_heard()
        assert self.inbox[kind].empty()

    async def has_been_heard(self) -> None:
        """What was said before is handled: the answer to a report comes after it."""
        self.say("network_quality", READY)
        self.say("network_quality", {"type": "network_quality"})
        await self.hear("network_quality")


def announced(signaling: MediaSignaling, requested: dict[str, Any] | None = None) -> dict[str, str]:
    """Labels by feature."""
    answer: dict[str, Any] = signaling.announce(requested)
    assert all(item["transport"]["type"] == "data-channel" for item in answer.values())
    return {kind: item["transport"]["label"] for kind, item in answer.items()}


@asynccontextmanager
async def talking(ours: Endpoint, **options: Any) -> AsyncIterator[tuple[Page, MediaSignaling]]:
    """A page whose channels are open; what it is told before it is ready would be lost."""
    async with data_ends() as (client, service):
        signaling = MediaSignaling(ours, service.data.open, **options)
        page = Page(signaling)
        client.data.on_channel = page.accept
        await until(lambda: len(page.channels) == len(ALL))
        try:
            yield page, signaling
        finally:
            signaling.close()


def demand(ours: Endpoint, signaling: MediaSignaling, own: str, *layers: bool) -> None:
    """What the service does when it has worked out which layers are received."""
    ours.set_layer_demand(own, layers)
    signaling.on_layer_demand(own, layers)


class Wire:
    """Channels without a connection: what is said is written down, what is heard is handed in."""

    def __init__(self) -> None:
        self.opened: list[FakeChannel] = []

    def open(self, label: str) -> Any:
        self.opened.append(FakeChannel(label))
        return self.opened[-1]


class FakeChannel:
    def __init__(self, label: str) -> None:
        self.label = label
        self.state = "open"
        self.sent: list[Any] = []
        self.is_full = False
        self.limit = 262_144
        self.on_message: Callable[[str | bytes], None] | None = None

    def send(self, data: str) -> None:
        if self.is_full:
            raise TransportError("full")
        if len(data) > self.limit:
            raise InvalidArgumentError("too long")
        self.sent.append(json.loads(data))

    def close(self) -> None:
        self.state = "closed"

    def hear(self, *said: object) -> None:
        for message in said:
            assert self.on_message is not None
            self.on_message(message if isinstance(message, str | bytes) else json.dumps(message))


def wired(ours: Endpoint, **options: Any) -> tuple[dict[str, FakeChannel], MediaSignaling]:
    wires = Wire()
    signaling = MediaSignaling(ours, wires.open, **options)
    labels = announced(signaling, ALL)
    by_label = {channel.label: channel for channel in wires.opened}
    return {kind: by_label[label] for kind, label in labels.items()}, signaling


def has_heard(channel: FakeChannel, count: int) -> bool:
    return len(channel.sent) == count
