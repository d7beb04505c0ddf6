"""What a plane is told and tells about taps: decrypted packets, for whoever keeps them.

A tap is a wish on a producer, like a consumer is: it makes the plane ask for lost packets and
keyframes, and takes what consumers could take, each packet once. Packets are handed over in
batches, with each `tick` and before the producer is gone; producers without a tap pay one look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["ClockTapped", "PacketsTapped", "StartTap", "StopTap", "TappedPacket"]


class TappedPacket(NamedTuple):
    """One RTP packet, decrypted; repaired ones come late, under their own number.

    Attributes:
        arrived_at: Seconds of the plane's clock.
        data: Header included, in the publisher's payload types and header extensions.
    """

    arrived_at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class StartTap:
    """Hand over the packets of a producer from now on; video asks for a keyframe.

    Does nothing when the producer has a tap, or is not there.
    """

    producer: str


@dataclass(frozen=True, slots=True)
class StopTap:
    """Hand over what waits, and no more."""

    producer: str


@dataclass(frozen=True, slots=True)
class PacketsTapped:
    """Packets of a producer with a tap, in order of arrival."""

    producer: str
    packets: tuple[TappedPacket, ...]


@dataclass(frozen=True, slots=True)
class ClockTapped:
    """What a producer's sender reports say, when the tap begins and with each report.

    Attributes:
        ntp_timestamp: 64 bits, in units of 2**-32 s.
        rtp_timestamp: The same moment, in ticks.
    """

    producer: str
    ntp_timestamp: int
    rtp_timestamp: int
