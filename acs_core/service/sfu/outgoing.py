"""What one client is sent: its consumers, from the wish to the packets.

Theory of operation. A stream that is forwarded is a consumer at once, is offered in the next
exchange, and reaches the data plane (`Forwarder`) when the client accepted it and both connections
are ready. Layer and pause are wishes of the consumer that outlive all of that.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage
from acs_core.service.sfu.changes import StreamAccepted
from acs_core.service.sfu.client_feedback import ClientFeedback
from acs_core.service.sfu.forwarding import Forwarder
from acs_core.service.sfu.negotiation import Negotiation
from acs_core.service.sfu.plane.messages import Plane
from acs_core.service.sfu.producer import Consumer, Producer

if TYPE_CHECKING:
    from acs_core.service.sfu.transport import MediaTransport

__all__ = ["OutgoingStreams"]

_log = logging.getLogger(__name__)


class OutgoingStreams:
    """The consumers of one connection.

    Args:
        transport: The connection.
        plane: What is told about them.
        feedback: What is told which SSRCs the client's reports may be about.
        negotiation: Where they are offered.
        now: Seconds of the loop's clock.
        on_unplaced: Called soon after a stream for which there may be no room.
    """

    def __init__(
        self,
        transport: MediaTransport,
        plane: Plane,
        feedback: ClientFeedback,
        negotiation: Negotiation,
        now: Callable[[], float],
        on_unplaced: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._feedback = feedback
        self._negotiation = negotiation
        self._on_unplaced = on_unplaced
        self._forwarder = Forwarder(plane, now)
        self._consumers: dict[str, Consumer] = {}

    @property
    def by_key(self) -> Mapping[str, Consumer]:
        """By the adapter's key."""
        return MappingProxyType(self._consumers)

    # ------------------------------------------------------------ wishes

    def forward(self, key: str, producer: Producer, stream_id: str, track_id: str) -> None:
        """Send a producer's stream, from the next exchange on; see `MediaTransport.forward`."""
        if key in self._consumers:
            raise InvalidStateError(f"{key} is forwarded already.", stage=Stage.NEGOTIATION)
        consumer = Consumer(secrets.token_hex(8), key, producer, self._transport)
        self._consumers[key] = consumer
        producer.consumers[consumer.id] = consumer
        self._negotiation.add_stream(
            key,
            producer.stream.kind,
            codecs=tuple(producer.stream.codecs.values()),
            stream_id=stream_id,
            track_id=track_id,
        )
        if not self._negotiation.needs_offer:
            # Not at once: the caller has yet to note what it forwards.
            asyncio.get_running_loop().call_soon(self._on_unplaced)

    def switch(self, key: str, producer: Producer) -> bool:
        """Take a stream from another producer; see `MediaTransport.switch`."""
        consumer = self._consumers.get(key)
        if consumer is None or not producer.can_replace(consumer.producer):
            return False
        consumer.producer.consumers.pop(consumer.id, None)
        consumer.producer = producer
        producer.consumers[consumer.id] = consumer
        self.refresh(consumer)
        return True

    def set(self, key: str, *, layer: int | None, is_paused: bool) -> None:
        """Choose what is sent; see `MediaTransport.set_forwarding`."""
        consumer = self._consumers.get(key)
        if consumer is not None:
            consumer.wanted_layer = layer
            consumer.is_paused = is_paused
            self.refresh(consumer)

    def stop(self, key: str) -> None:
        """Send a stream no longer; packets stop at once."""
        consumer = self._consumers.pop(key, None)
        if consumer is not None:
            consumer.producer.consumers.pop(consumer.id, None)
            self._feedback.consumer_removed(consumer)
            self._forwarder.remove(consumer)
            self._negotiation.remove_stream(key)

    def stop_all(self) -> None:
        """The connection is over."""
        for key in list(self._consumers):
            self.stop(key)

    # ------------------------------------------------------------ what the client agreed to

    def accepted(self, accepted: StreamAccepted) -> None:
        """The client is ready for a stream, in this shape."""
        consumer = self._consumers[accepted.key]
        self._forwarder.remove(consumer)
        self._accept(consumer, accepted)

    def refused(self, key: str) -> None:
        """The client does not get a stream, or no longer."""
        consumer = self._consumers[key]
        # Without a shape it cannot come back with the next layer or pause either.
        consumer.accepted = None
        self._feedback.consumer_removed(consumer)
        self._forwarder.remove(consumer)

    def renumbered(self, key: str, ssrc: int, rtx_ssrc: int | None) -> None:
        """An accepted stream goes on under other SSRCs."""
        consumer = self._consumers[key]
        self._forwarder.remove(consumer)
        old = consumer.accepted
        if old is not None:
            self._accept(consumer, replace(old, ssrc=ssrc, rtx_ssrc=rtx_ssrc))

    def _accept(self, consumer: Consumer, accepted: StreamAccepted) -> None:
        consumer.accepted = accepted
        self._feedback.consumer_changed(consumer)
        self.refresh(consumer)

    # ------------------------------------------------------------ plane

    def connected(self) -> None:
        """Give the data plane everything that was agreed before the connection was ready."""
        for consumer in list(self._consumers.values()):
            self.refresh(consumer)

    def refresh(self, consumer: Consumer) -> None:
        """Let the plane forward a stream as wanted, once both its connections are ready."""
        if not (self._transport.is_connected and consumer.producer.transport.is_connected):
            return
        try:
            self._forwarder.refresh(consumer)
        except InvalidArgumentError:
            # One stream that cannot be sent must not keep the others from being sent.
            _log.exception("stream %s cannot be forwarded", consumer.key)

    def request_keyframes(self) -> None:
        """The client lost pictures of everything."""
        for consumer in self._consumers.values():
            consumer.producer.transport.request_keyframe(consumer.seen_layer)
