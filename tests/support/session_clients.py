"""Streams to publish, and what became of them at somebody who joined."""

from __future__ import annotations

import asyncio

from acs_core.client.session import NewStream
from acs_core.core.facts import PublicationKind
from acs_core.media.receiver import StreamReceiver
from acs_core.media.sender import SendOptions
from acs_core.media.sources import MediaSource
from acs_core.media.stats import ReceiverStats
from tests.support.service_client import Participant

__all__ = ["received", "receiver_stats", "stream"]


def stream(source: MediaSource, *, options: SendOptions | None = None) -> NewStream:
    """A stream named after its kind."""
    kind = PublicationKind.VIDEO if source.kind == "video" else PublicationKind.AUDIO
    return NewStream(kind, source, name=source.kind, encoding=options or SendOptions())


async def received(someone: Participant, kind: str) -> StreamReceiver:
    """The receiver of the first stream of a kind, once it is subscribed."""

    def find() -> StreamReceiver | None:
        receivers = map(someone.session.receiver, someone.subscribed)
        return next((item for item in receivers if item is not None and item.kind == kind), None)

    await someone.until(find)
    found = find()
    assert found is not None
    return found


def receiver_stats(receiver: StreamReceiver) -> ReceiverStats:
    """As of now."""
    return receiver.stats(asyncio.get_running_loop().time())
