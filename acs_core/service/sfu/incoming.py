"""What one client sends: its streams, their layers in the data plane, and keyframe requests.

Theory of operation. A stream that a description tells of becomes a producer at once; its layers
reach the data plane when the connection is ready and their SSRC is known, from the description or
from the packets themselves.

Source: RFC 8843 section 9.2 and RFC 8852 (packets that tell whose they are).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.feedback import PictureLossIndication
from acs_core.service.sfu.changes import StreamReceived
from acs_core.service.sfu.client_feedback import ClientFeedback
from acs_core.service.sfu.layers import owner_of
from acs_core.service.sfu.listeners import StreamIndex
from acs_core.service.sfu.plane.messages import (
    AddRtx,
    ExpectKeyframe,
    Plane,
    RemoveProducer,
    StreamDetected,
)
from acs_core.service.sfu.producer import Producer, ProducerLayer
from acs_core.service.sfu.sections import is_same_stream

if TYPE_CHECKING:
    from acs_core.service.sfu.transport import MediaTransport

__all__ = ["IncomingStreams"]

_log = logging.getLogger(__name__)


class IncomingStreams:
    """The producers of one connection.

    Args:
        transport: The connection.
        plane: What is told about them.
        feedback: What is told which SSRCs the client's reports may be about.
        index: Where they are announced.
        now: Seconds of the loop's clock.
    """

    def __init__(
        self,
        transport: MediaTransport,
        plane: Plane,
        feedback: ClientFeedback,
        index: StreamIndex,
        now: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._plane = plane
        self._feedback = feedback
        self._index = index
        self._now = now
        self._producers: dict[str, Producer] = {}

    @property
    def by_track(self) -> Mapping[str, Producer]:
        """By the client's own track id."""
        return MappingProxyType(
            {producer.stream.track_id: producer for producer in self._producers.values()}
        )

    # ------------------------------------------------------------ what descriptions tell

    def receive(self, stream: StreamReceived) -> None:
        """A stream begins, or goes on in another shape."""
        producer = Producer(secrets.token_hex(8), stream, self._transport)
        old = self._producers.get(stream.mid)
        if old is not None:
            if is_same_stream(old.stream, stream):
                producer.take_over(old)
            self.end(stream.mid)
        self._producers[stream.mid] = producer
        self._feedback.producer_added(producer)
        self._index.producer_added(producer)
        self._add(producer)

    def end(self, mid: str) -> None:
        """The stream of a section is over, for those who are sent it as well."""
        producer = self._producers.pop(mid, None)
        if producer is None:
            return
        if self._transport.is_connected:
            for name in producer.plane_ids:
                self._plane.handle(RemoveProducer(name), self._now())
        self._feedback.producer_removed(producer)
        for consumer in list(producer.consumers.values()):
            consumer.transport.stop_forwarding(consumer.key)
        self._index.producer_removed(producer)

    def end_all(self) -> None:
        """The connection is over."""
        for mid in list(self._producers):
            self.end(mid)

    # ------------------------------------------------------------ plane

    def connected(self) -> None:
        """Give the data plane everything that was announced before the connection was ready."""
        for producer in list(self._producers.values()):
            self._add(producer)

    def _add(self, producer: Producer) -> None:
        if self._transport.is_connected:
            for layer in producer.layers:
                self._add_layer(layer)

    def _add_layer(self, layer: ProducerLayer) -> None:
        command = layer.command()
        if command is None:
            return
        try:
            self._plane.handle(command, self._now())
        except InvalidArgumentError as error:
            # A description can name what it likes; nobody else may have trouble with it.
            _log.info("a layer of a stream is not received: %s", error)
            self._feedback.producer_removed(layer.producer)
            layer.ssrc = layer.rtx_ssrc = None
            self._feedback.producer_added(layer.producer)
        else:
            self._transport.layers_changed(layer.producer)

    def detected(self, detected: StreamDetected) -> None:
        """Take packets of an SSRC that no description told."""
        owner = owner_of((item.stream for item in self._producers.values()), detected)
        if owner is None:
            return
        layers = self._producers[owner.mid].layers
        layer = next(layer for layer in layers if layer.rid == owner.rid)
        if not owner.is_repair and layer.ssrc is None:
            layer.ssrc = detected.ssrc
            self._feedback.layer_found(layer)
            self._add_layer(layer)
        elif owner.is_repair and layer.ssrc is not None and layer.rtx_ssrc is None:
            layer.rtx_ssrc = detected.ssrc
            self._plane.handle(AddRtx(layer.id, detected.ssrc), self._now())

    # ------------------------------------------------------------ keyframes

    def request_keyframes(self) -> None:
        """Pictures of everything were lost."""
        for producer in self._producers.values():
            for layer in producer.layers:
                self.request_keyframe(layer)

    def request_keyframe(self, layer: ProducerLayer) -> None:
        """Somebody needs a keyframe of a layer."""
        if layer.producer.kind == "video" and self._transport.is_connected:
            self._plane.handle(ExpectKeyframe(layer.id), self._now())
            self.ask_for_keyframe(layer)

    def ask_for_keyframe(self, layer: ProducerLayer) -> None:
        """Ask the client for a keyframe, unless that was just done; the plane may call this."""
        if layer.throttle.request(self._now()):
            self.send_keyframe_request(layer)

    def send_keyframe_request(self, layer: ProducerLayer) -> None:
        """Send a PLI now."""
        if layer.ssrc is not None:
            self._transport.send_rtcp([PictureLossIndication(1, layer.ssrc)])
