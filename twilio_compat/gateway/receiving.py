"""What one client receives: subscriptions as sections and data channels of its connection.

Each subscription gets an id that was never used: the client finds the media by it (second word of
the msid, or label of the channel) and remembers ids that are gone. `subscribed` is the complete
list, with a revision of its own.

What the client cannot be sent stays in the list, with the error in place of the id, and the client
tells that to the application once. A stream that is in no codec of the client's is given up, or
never begun if that is known before, until the client describes codecs that it did not know. A
stream for which the connection has no section left waits for one. Either gets its id then, which
the client takes for a subscription.

Source: twilio-video.js 2.36 on the wire.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from acs_core.core.facts import DataReliability
from acs_core.rtc.data import DataChannel
from acs_core.service.endpoints import Subscription
from acs_core.service.sfu.data import DataSource
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.transport import MediaTransport
from twilio_compat.gateway.messages import track_sid

__all__ = ["RemoteTracks", "SubscriptionError"]

_log = logging.getLogger(__name__)


class SubscriptionError(Enum):
    """Why a client does not get a track that it subscribes to: Twilio's code, and a text."""

    NO_COMMON_CODEC = (53404, "No codec of the track is supported.")
    NO_CAPACITY = (
        53305,
        "The connection carries no more tracks; this one waits for another's end.",
    )


@dataclass(slots=True)
class _Received:
    """One subscription on the connection.

    Attributes:
        error: Why nothing is sent.
        known_codecs: What the client had described when it took none of the stream's codecs.
    """

    id: str
    source: Producer | DataSource
    channel: DataChannel | None = None
    error: SubscriptionError | None = None
    known_codecs: frozenset[str] = frozenset()


class RemoteTracks:
    """The subscriptions of one client.

    Args:
        new_id: Gives a text that was never given before.
    """

    def __init__(self, new_id: Callable[[], str] = lambda: str(uuid.uuid4())) -> None:
        self._new_id = new_id
        self._received: dict[str, _Received] = {}
        self._revision = 0

    def align(self, wanted: Mapping[str, Subscription], transport: MediaTransport) -> bool:
        """Bring the connection in line with the subscriptions; True if `subscribed` changed."""
        before = self._listed()
        fresh = [publication for publication in wanted if publication not in self._received]
        for publication in (*self._received, *fresh):
            # One stream that cannot be sent must not cost the client the others.
            try:
                self._align_one(publication, wanted.get(publication), transport)
            except Exception:
                _log.exception("publication %s is not forwarded", publication)
        return self._changed_since(before)

    @property
    def has_errors(self) -> bool:
        """Whether something that is wanted cannot be sent; `align` when the client says more."""
        return any(received.error is not None for received in self._received.values())

    def refused(
        self, publication: str, error: SubscriptionError, transport: MediaTransport
    ) -> bool:
        """A stream cannot be sent; True if `subscribed` changed. `align` is due then."""
        received = self._received.get(publication)
        if received is None or received.error is error or isinstance(received.source, DataSource):
            return False
        received.error = error
        received.known_codecs = transport.client_codecs(received.source)
        self._revision += 1
        return True

    def forget(self) -> None:
        """The connection is gone; what is wanted is begun anew on the next one."""
        for received in self._received.values():
            _starve(received)
        if self._received:
            self._revision += 1
        self._received.clear()

    def subscribed(self) -> dict[str, Any]:
        """The object of that name, for the client."""
        return {"revision": self._revision, "tracks": self._listed()}

    # ------------------------------------------------------------ one subscription

    def _align_one(
        self, publication: str, subscription: Subscription | None, transport: MediaTransport
    ) -> None:
        received = self._received.get(publication)
        if subscription is None:
            self._stop(publication, transport)
            return
        if received is not None and subscription.source is not received.source:
            self._continue(publication, received, subscription, transport)
        elif received is not None and received.error is not None:
            self._reconsider(publication, received, transport)
        if publication not in self._received:
            self._start(publication, subscription, transport)

    def _start(
        self, publication: str, subscription: Subscription, transport: MediaTransport
    ) -> None:
        source = subscription.source
        received_id = self._new_id()
        if isinstance(source, Producer) and transport.cannot_take(source):
            self._received[publication] = _Received(
                received_id,
                source,
                error=SubscriptionError.NO_COMMON_CODEC,
                known_codecs=transport.client_codecs(source),
            )
        elif isinstance(source, Producer):
            transport.forward(
                publication,
                source,
                stream_id=subscription.publication.owner.id,
                track_id=received_id,
            )
            self._received[publication] = _Received(received_id, source)
        elif isinstance(source, DataSource):
            reliability = source.reliability or DataReliability()
            channel = transport.open_channel(received_id, reliability)
            self._received[publication] = _Received(received_id, source, channel)
            source.feed(channel)

    def _continue(
        self,
        publication: str,
        received: _Received,
        subscription: Subscription,
        transport: MediaTransport,
    ) -> None:
        """Go on from another source, or stop to be started again."""
        source = subscription.source
        if isinstance(source, Producer) and transport.switch(publication, source):
            received.source = source
        else:
            self._stop(publication, transport)

    def _reconsider(self, publication: str, received: _Received, transport: MediaTransport) -> None:
        """Look whether a stream that could not be sent can be sent by now."""
        source = received.source
        if received.error is SubscriptionError.NO_CAPACITY:
            consumer = transport.consumers.get(publication)
            if consumer is not None and consumer.accepted is not None:
                received.error = None
        elif isinstance(source, Producer):
            # The section that was refused is of no more use.
            transport.stop_forwarding(publication)
            is_known = transport.client_codecs(source) <= received.known_codecs
            if not is_known and not transport.cannot_take(source):
                # To be begun anew: the client may have met the old id.
                self._stop(publication, transport)

    def _stop(self, publication: str, transport: MediaTransport) -> None:
        received = self._received.pop(publication)
        if isinstance(received.source, Producer):
            transport.stop_forwarding(publication)
        _starve(received)

    def _listed(self) -> list[dict[str, Any]]:
        return [_entry(key, received) for key, received in self._received.items()]

    def _changed_since(self, before: list[dict[str, Any]]) -> bool:
        if self._listed() == before:
            return False
        self._revision += 1
        return True


def _starve(received: _Received) -> None:
    if received.channel is not None and isinstance(received.source, DataSource):
        received.source.starve(received.channel)
        received.channel.close()


def _entry(publication: str, received: _Received) -> dict[str, Any]:
    sid = track_sid(publication)
    if received.error is not None:
        code, message = received.error.value
        return {"sid": sid, "error": {"code": code, "message": message}}
    return {"sid": sid, "id": received.id}
