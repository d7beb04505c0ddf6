"""Brings the data plane in line with what is wanted of one consumer: layer, pause, source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from acs_core.rtc.packet import HOP_LOCAL, Uri
from acs_core.service.sfu.plane.messages import (
    PauseConsumer,
    Plane,
    RemoveConsumer,
    ResumeConsumer,
    SwitchProducer,
)
from acs_core.service.sfu.producer import Consumer

__all__ = ["Forwarder"]

HOP_LOCAL_URIS: Final = frozenset(str(uri) for uri in HOP_LOCAL)


class Forwarder:
    """Tells the plane about the consumers of one connection.

    Args:
        plane: What is told.
        now: Seconds of the loop's clock.
    """

    def __init__(self, plane: Plane, now: Callable[[], float]) -> None:
        self._plane = plane
        self._now = now

    def refresh(self, consumer: Consumer) -> None:
        """Send what is wanted now; both connections must be ready. Tells only what changed.

        Raises:
            InvalidArgumentError: The plane refused; it is told again the next time.
        """
        accepted = consumer.accepted
        layer = consumer.producer.layer_for(consumer)
        if accepted is None or layer is None:
            return
        if consumer.source is None:
            command = consumer.command(layer, accepted, Uri.ABS_SEND_TIME, HOP_LOCAL_URIS)
            self._plane.handle(command, self._now())
            consumer.source, consumer.is_stopped = layer.id, consumer.is_silent
            return
        if consumer.is_silent and not consumer.is_stopped:
            self._stop(consumer)
        if consumer.source != layer.id:
            command = consumer.command(layer, accepted, Uri.ABS_SEND_TIME, HOP_LOCAL_URIS)
            switch = SwitchProducer(consumer.id, layer.id, command.route)
            self._plane.handle(switch, self._now())
            consumer.source = layer.id
        if consumer.is_stopped and not consumer.is_silent:
            # Last: the first keyframe asked for is then that of the layer to be sent.
            consumer.is_stopped = False
            self._plane.handle(ResumeConsumer(consumer.id), self._now())

    def remove(self, consumer: Consumer) -> None:
        """Let the plane forget a consumer; packets stop at once."""
        if consumer.source is not None:
            consumer.source = consumer.forwarded = None
            self._plane.handle(RemoveConsumer(consumer.id), self._now())

    def _stop(self, consumer: Consumer) -> None:
        consumer.is_stopped = True
        consumer.forwarded = None
        self._plane.handle(PauseConsumer(consumer.id), self._now())
