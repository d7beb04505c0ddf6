"""What goes into a file, from packets in order: coded pictures and packets of sound. Pure.

Pictures that lack a packet are left out, and with them all that refer to them: what follows a loss
that was not repaired begins with a keyframe, which whoever records asks for. A player shows the
last whole picture meanwhile, and never a damaged one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from acs_core.errors import MalformedPacketError
from acs_core.rtc.depayload import opus_samples
from acs_core.rtc.g711 import linear_samples
from acs_core.rtc.packet import is_keyframe, timestamp_difference
from acs_core.rtc.picture_size import keyframe_size
from acs_core.rtc.pictures import join_picture
from acs_core.service.recording.order import Lost, OrderedPacket

__all__ = ["PictureSamples", "Sample", "SampleMaker", "SoundSamples"]

MAX_PICTURE: Final = 2000
"""Packets of one picture; more come only from who never marks its end."""


class Sample(NamedTuple):
    """One coded picture or packet of sound.

    Attributes:
        rtp_timestamp: Ticks, counted on beyond 32 bits.
        arrived_at: When its first packet came, seconds.
        size: Width and height in pixels, of a keyframe only.
        duration: Seconds; 0 where it lasts until the next.
    """

    rtp_timestamp: int
    arrived_at: float
    data: bytes
    is_keyframe: bool
    size: tuple[int, int] | None = None
    duration: float = 0.0


class SampleMaker(Protocol):
    """Makes samples of the packets of one SSRC."""

    needs_keyframe: bool
    """Nothing comes before the next keyframe."""

    def take(self, item: OrderedPacket | Lost) -> Iterator[Sample]:
        """Take the next packet; yield what is complete with it."""

    def finish(self) -> Iterator[Sample]:
        """Yield what is complete although nothing follows."""


class _Timestamps:
    """Counts RTP timestamps on beyond 32 bits."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp: int) -> int:
        last = timestamp if self._last is None else self._last
        self._last = last + timestamp_difference(timestamp, last & 0xFFFF_FFFF)
        return self._last


class SoundSamples:
    """Every packet of sound is a sample; G.711 is kept as linear samples.

    Args:
        codec_name: "OPUS", "PCMU" or "PCMA".
        clock_rate: Ticks per second.
    """

    needs_keyframe = False

    def __init__(self, codec_name: str, clock_rate: int) -> None:
        self._codec_name = codec_name
        self._clock_rate = clock_rate
        self._timestamps = _Timestamps()

    def take(self, item: OrderedPacket | Lost) -> Iterator[Sample]:
        """Take the next packet; one that cannot be read is left out."""
        if isinstance(item, Lost) or not item.payload:
            return
        data, ticks = item.payload, len(item.payload)
        if self._codec_name != "OPUS":
            data = linear_samples(self._codec_name, data)
        else:
            try:
                ticks = opus_samples(data)
            except MalformedPacketError:
                return
        yield Sample(
            self._timestamps.unwrap(item.header.timestamp),
            item.arrived_at,
            data,
            True,
            duration=ticks / self._clock_rate,
        )

    def finish(self) -> Iterator[Sample]:
        """Nothing is held."""
        yield from ()


class PictureSamples:
    """Packets with one timestamp are a picture.

    Args:
        codec_name: One of `acs_core.rtc.pictures.PICTURE_CODECS`.
    """

    def __init__(self, codec_name: str) -> None:
        self.needs_keyframe = True
        self._codec_name = codec_name
        self._timestamps = _Timestamps()
        self._picture: list[OrderedPacket] = []

    def take(self, item: OrderedPacket | Lost) -> Iterator[Sample]:
        """Take the next packet; yield the picture that ends with or before it."""
        if isinstance(item, Lost):
            self._picture.clear()
            self.needs_keyframe = True
            return
        if not item.payload:
            return
        if self._picture and self._picture[0].header.timestamp != item.header.timestamp:
            yield from self.finish()
        if not self._picture and not self._begins(item):
            return
        self._picture.append(item)
        if item.header.marker or len(self._picture) >= MAX_PICTURE:
            yield from self.finish()

    def finish(self) -> Iterator[Sample]:
        """Yield the picture that is held: all its packets are here."""
        packets, self._picture = self._picture, []
        if not packets:
            return
        first = packets[0]
        is_key = is_keyframe(self._codec_name, first.payload)
        try:
            data = join_picture(self._codec_name, [packet.payload for packet in packets])
        except MalformedPacketError:
            self.needs_keyframe = True
            return
        size = keyframe_size(self._codec_name, data) if is_key else None
        if self.needs_keyframe and size is None:
            return
        self.needs_keyframe = False
        timestamp = self._timestamps.unwrap(first.header.timestamp)
        # Of H264 a picture without parameter sets is no place to begin, whatever it refers to.
        yield Sample(timestamp, first.arrived_at, data, size is not None, size)

    def _begins(self, item: OrderedPacket) -> bool:
        """Whether a picture that is of use begins with this packet."""
        return not self.needs_keyframe or is_keyframe(self._codec_name, item.payload)
