"""RTP packets of one SSRC in order, each once; what stays away is told. Pure.

Theory of operation. The first packet begins the stream. A packet behind a gap waits for what is
missing: the service asks the publisher for it, and gives up after a second; so do we, a little
later. Time is that of the arrivals: where nothing more comes, nothing has to be decided either,
until the end or the next packet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from acs_core.errors import MalformedPacketError
from acs_core.rtc.packet import RtpHeader, SequenceUnwrapper, parse_header
from acs_core.service.sfu.plane.taps import TappedPacket

__all__ = ["LOST", "Lost", "OrderedPacket", "PacketOrder"]

PATIENCE: Final = 1.1
"""Seconds; those of `NackTracker`, and a tenth for the answer to the last request."""
MAX_WAITING: Final = 2000
"""Packets; more than a second of any video that fits through a browser's uplink."""


class OrderedPacket(NamedTuple):
    """One packet.

    Attributes:
        arrived_at: Seconds.
        payload: Without padding; empty where the packet is nothing but padding.
    """

    arrived_at: float
    header: RtpHeader
    payload: bytes


class Lost:
    """Packets are missing in front of the next one, and will not come."""


LOST: Final = Lost()


class PacketOrder:
    """Takes packets as they arrive, gives them in order.

    Args:
        patience: Seconds that a packet waits for one before it.
    """

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._numbers = SequenceUnwrapper()
        self._next: int | None = None
        self._waiting: dict[int, OrderedPacket] = {}
        self._blocked_since: float | None = None

    def add(self, packet: TappedPacket) -> Iterator[OrderedPacket | Lost]:
        """Take a packet; yield what is next now.

        What is no RTP packet, comes twice or too late is left out.
        """
        try:
            header = parse_header(packet.data)
        except MalformedPacketError:
            return
        number = self._numbers.unwrap(header.sequence_number)
        if self._next is None:
            self._next = number
        if number < self._next or number in self._waiting:
            return
        payload = packet.data[header.payload_offset : header.payload_end]
        self._waiting[number] = OrderedPacket(packet.arrived_at, header, payload)
        yield from self._ready()
        if not self._waiting:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = packet.arrived_at
        elif self._is_enough(packet.arrived_at):
            yield from self._skip(packet.arrived_at)

    def flush(self) -> Iterator[OrderedPacket | Lost]:
        """Yield everything that waits: nothing more comes."""
        while self._waiting:
            yield from self._skip(0.0)

    def _is_enough(self, now: float) -> bool:
        since = self._blocked_since
        is_long = since is not None and now - since >= self._patience
        return is_long or len(self._waiting) > MAX_WAITING

    def _skip(self, now: float) -> Iterator[OrderedPacket | Lost]:
        """Go on behind the first gap; what waits behind the next one has waited as long."""
        self._next = min(self._waiting)
        yield LOST
        yield from self._ready()
        self._blocked_since = now if self._waiting else None

    def _ready(self) -> Iterator[OrderedPacket]:
        while self._next is not None and (packet := self._waiting.pop(self._next, None)):
            self._next += 1
            yield packet
