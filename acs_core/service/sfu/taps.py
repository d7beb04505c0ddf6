"""Taps on streams that come in: what the publisher sends, decrypted, for whoever keeps it.

A tap follows one producer and takes its best layer that is active. Another layer begins with its
next keyframe, which is asked for, and until then the one before goes on, as for a subscriber.
Tapping in the plane costs a copy of a reference per packet; a client of our own on the loopback
device would cost encryption, two trips through the kernel and decryption, would see renumbered
packets, and what is lost on its way could not be told from what the publisher's network lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from acs_core.errors import InvalidStateError, Stage
from acs_core.service.sfu.layers import layer_to_forward
from acs_core.service.sfu.plane.messages import Plane
from acs_core.service.sfu.plane.taps import StartTap, StopTap, TappedPacket
from acs_core.service.sfu.producer import Producer, ProducerLayer

__all__ = ["MediaTap", "TapListener"]


class TapListener(Protocol):
    """Who gets the packets; called on the event loop, must not block."""

    def on_packets(self, layer: ProducerLayer, packets: tuple[TappedPacket, ...]) -> None:
        """Packets of one layer, in order of arrival; those of another follow on its keyframe."""

    def on_clock(self, layer: ProducerLayer, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """A sender report of a layer: NTP time (64 bits) and RTP timestamp of one moment."""


class MediaTap:
    """One tap; `close` it. A producer has one at most.

    Args:
        producer: What is tapped.
        plane: Where its packets are.
        listener: Who gets them.
        now: Seconds of the loop's clock.

    Raises:
        InvalidStateError: The producer has a tap already.
    """

    def __init__(
        self,
        producer: Producer,
        plane: Plane,
        listener: TapListener,
        now: Callable[[], float],
    ) -> None:
        if producer.tap is not None:
            raise InvalidStateError(f"{producer.id} is tapped already.", stage=Stage.MEDIA)
        self.producer = producer
        self._plane = plane
        self._listener = listener
        self._now = now
        self._current: ProducerLayer | None = None
        self._next: ProducerLayer | None = None
        producer.tap = self
        self.refresh()

    def refresh(self) -> None:
        """Choose the layer again: others are there, or the connection has become ready."""
        producer = self.producer
        if producer.tap is not self or not producer.transport.is_connected:
            return
        layers = producer.layers
        index = layer_to_forward(
            [layer.is_active for layer in layers],
            [layer.ssrc is not None for layer in layers],
            wanted=len(layers) - 1,
            current=None if self._current is None else layers.index(self._current),
        )
        if index is None or layers[index] is self._next:
            return
        if self._next is not None:
            self._plane.handle(StopTap(self._next.id), self._now())
            self._next = None
        if layers[index] is not self._current:
            self._begin(layers[index])

    def _begin(self, layer: ProducerLayer) -> None:
        if self._current is None:
            self._current = layer
        else:
            self._next = layer
        self._plane.handle(StartTap(layer.id), self._now())

    def request_keyframe(self) -> None:
        """Ask the publisher for a keyframe of what is tapped."""
        layer = self._next or self._current
        if layer is not None:
            self.producer.transport.request_keyframe(layer)

    def close(self) -> None:
        """Hand over what waits, and take no more. Closing again does nothing."""
        if self.producer.tap is not self:
            return
        for layer in (self._current, self._next):
            if layer is not None:
                self._plane.handle(StopTap(layer.id), self._now())
        self.producer.tap = None
        self._current = self._next = None

    # ------------------------------------------------------------ from the engine

    def packets(self, layer: ProducerLayer, packets: tuple[TappedPacket, ...]) -> None:
        """The plane hands over packets; those of who was silenced are kept by nobody."""
        if not self.producer.is_muted:
            self._listener.on_packets(layer, packets)

    def clock(self, layer: ProducerLayer, ntp_timestamp: int, rtp_timestamp: int) -> None:
        """The plane hands over a sender report."""
        self._listener.on_clock(layer, ntp_timestamp, rtp_timestamp)

    def keyframe_seen(self, layer: ProducerLayer) -> None:
        """A keyframe of a layer begins: if it was awaited, the layer before has ended."""
        if layer is self._next:
            before, self._current, self._next = self._current, layer, None
            if before is not None:
                self._plane.handle(StopTap(before.id), self._now())
