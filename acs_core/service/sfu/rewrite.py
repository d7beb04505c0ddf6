"""Sequence numbers and timestamps, from one producer to one consumer.

Theory of operation. A consumer has one SSRC and sees one uninterrupted stream, whatever we do
at its source: pause, resume, drop packets, change to another layer or producer. Gaps that the
network made stay, so that the consumer's NACK finds them; gaps that we made are closed.

The source's sequence numbers are cut into segments. Within a segment, the number sent is the
source's plus an offset. A segment ends where we stop forwarding and the next begins, with
another offset, at the packet with which we go on; the packets between them belong to none.
Late packets find the segment that they belong to, and a NACK is led back the same way.

The plane calls `start` with the first packet to be sent (on video: the first of a keyframe),
`map` for each packet, `skip` for one that it does not want to send, `pause` to end. As long as
`is_open`, a packet whose number is at or after `segment_start` needs no call::

    sent = (sequence_number + sequence_offset) & 0xFFFF
    sent_timestamp = (timestamp + timestamp_offset) & 0xFFFFFFFF

A plane that makes use of it calls `synchronize` with the newest packet at least every second,
and before `start`, `skip` and `pause`.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from acs_core.rtc.packet import sequence_difference, timestamp_difference

__all__ = ["Clock", "StreamRewriter", "same_moment"]

_HISTORY: Final = 128
"""Segments remembered; a dropped packet costs one, a NACK older than a second is of no use."""

_MAX_MISORDER: Final = 100  # RFC 3550 appendix A.1


class Clock(NamedTuple):
    """One moment on a source's two clocks, from its sender report (RFC 3550 section 6.4.1).

    Attributes:
        ntp_timestamp: 64 bits, in units of 2**-32 s.
        rtp_timestamp: 32 bits, in ticks.
        rate: Ticks per second.
    """

    ntp_timestamp: int
    rtp_timestamp: int
    rate: int


def same_moment(timestamp: int, clock: Clock, other: Clock) -> int:
    """Return the other source's timestamp of the moment that `timestamp` stands for.

    Args:
        timestamp: Of the source that `clock` belongs to.
        clock: Its clock; both must follow the same NTP time, as streams of one sender do.
        other: The other source's clock.
    """
    ticks = timestamp_difference(timestamp, clock.rtp_timestamp)
    elapsed = clock.ntp_timestamp + (ticks << 32) // clock.rate - other.ntp_timestamp
    return (other.rtp_timestamp + (elapsed * other.rate + (1 << 31) >> 32)) & 0xFFFF_FFFF


class _Segment(NamedTuple):
    start: int  # unwrapped source numbers, `end` excluded
    end: int
    sequence_offset: int
    timestamp_offset: int


class StreamRewriter:
    """Maps a source's packets to the one stream that a consumer sees.

    Args:
        clock_rate: Ticks per second of the RTP timestamp.
        first_sequence: What the first packet sent is to be numbered; None keeps the source's.
        first_timestamp: Its timestamp; None keeps the source's.

    Attributes:
        is_open: Packets are forwarded; False before `start` and after `pause`.
        segment_start: 16 bit source number from which on the two offsets hold.
        sequence_offset: To be added to the source's number; may be negative or large.
        timestamp_offset: To be added to the source's timestamp; may be negative or large.
    """

    __slots__ = (
        "_anchor",
        "_clock_rate",
        "_first_sequence",
        "_first_timestamp",
        "_highest",
        "_highest16",
        "_history",
        "_start",
        "_timestamp",
        "is_open",
        "segment_start",
        "sequence_offset",
        "timestamp_offset",
    )

    def __init__(
        self,
        clock_rate: int,
        *,
        first_sequence: int | None = None,
        first_timestamp: int | None = None,
    ) -> None:
        self._clock_rate = clock_rate
        self._first_sequence = first_sequence
        self._first_timestamp = first_timestamp
        self._highest = 0  # newest source number, unwrapped
        self._highest16 = 0
        self._start = 0  # of the open segment, unwrapped
        self._timestamp: int | None = None  # source timestamp of the newest; None before any
        self._anchor: tuple[int, float] = (0, 0.0)  # a timestamp sent, and when that was
        self._history: deque[_Segment] = deque(maxlen=_HISTORY)  # newest first
        self.is_open = False
        self.segment_start = 0
        self.sequence_offset = 0
        self.timestamp_offset = 0

    def start(
        self,
        sequence_number: int,
        timestamp: int,
        now: float,
        *,
        new_source: bool = False,
        previous_timestamp: int | None = None,
    ) -> bool:
        """Begin to forward, or change the source, with this packet; `map` it next.

        The packet gets the number behind the newest one sent. Its timestamp goes on as the
        source's did; a new source's is placed by the time that has passed.

        Args:
            sequence_number: Of the packet.
            timestamp: Of the packet.
            now: Seconds on any monotonic clock.
            new_source: The packet comes from another source than those before.
            previous_timestamp: What the previous source's timestamp of the packet's moment is,
                where that is known; more exact than the time that has passed.

        Returns:
            Whether forwarding is open from this packet on; False, and nothing has changed, if
            it is older than what was sent of the same source already.
        """
        if self._timestamp is None:
            self._open_first(sequence_number, timestamp, now)
            return True
        # Forward even beyond half the circle: a pause may last longer than 32 768 packets.
        ahead = (sequence_number - self._highest16) & 0xFFFF
        if not new_source and -ahead & 0xFFFF < _MAX_MISORDER:
            return False
        if self.is_open:
            self.pause()
        next_number = self._highest + self.sequence_offset + 1
        if new_source:
            next_timestamp = self._placed_timestamp(previous_timestamp, now)
        else:
            next_timestamp = self._next_timestamp(timestamp, now)
        if new_source:
            self._history.clear()
            self._highest = sequence_number
        else:
            self._highest += ahead
        self._highest16 = sequence_number
        self.sequence_offset = next_number - self._highest
        self.timestamp_offset = next_timestamp - timestamp
        self._open(timestamp, now)
        return True

    def map(self, sequence_number: int, timestamp: int) -> tuple[int, int] | None:
        """Return the (sequence number, timestamp) to send this packet with.

        None while closed, and for packets that lie in a gap we closed. The same packet gets the
        same answer each time, in whatever order they come.
        """
        if not self.is_open:
            return None
        ahead = (sequence_number - self._highest16) & 0xFFFF
        if 0 < ahead < 0x8000:
            self._highest += ahead
            self._highest16 = sequence_number
            self._timestamp = timestamp
        else:
            number = self._highest - (-ahead & 0xFFFF)
            if number < self._start:
                return self._map_late(number, timestamp)
        return (
            (sequence_number + self.sequence_offset) & 0xFFFF,
            (timestamp + self.timestamp_offset) & 0xFFFF_FFFF,
        )

    def skip(self, sequence_number: int) -> None:
        """Leave this packet out and close its gap.

        Without effect when a newer packet was sent already: the consumer knows of the gap.
        """
        ahead = sequence_difference(sequence_number, self._highest16)
        if not self.is_open or ahead <= 0:
            return
        number = self._highest + ahead
        if number > self._start:
            self._remember(number)
        self._start = number + 1
        self._highest = number
        self._highest16 = sequence_number
        self.segment_start = self._start & 0xFFFF
        self.sequence_offset -= 1

    def pause(self) -> None:
        """Stop forwarding; `start` goes on where this ended."""
        if self.is_open:
            self._remember(self._highest + 1)
            self.is_open = False

    def synchronize(self, sequence_number: int, timestamp: int, now: float) -> None:
        """Note the newest packet sent, for a plane that applies the offsets by itself.

        Worth a call each second for others too: it keeps the relation of timestamps to time,
        by which a later source is placed.
        """
        if self.map(sequence_number, timestamp) is not None:
            self._anchor = (self.destination_timestamp(timestamp), now)

    def source_sequence(self, destination_sequence: int) -> int | None:
        """Return the source's number of a packet that was sent with this one, for a NACK.

        None for what was not sent, is too old, or came from an earlier source.
        """
        newest = self._highest + self.sequence_offset
        distance = sequence_difference(destination_sequence, newest & 0xFFFF)
        if self._timestamp is None or distance > 0:
            return None
        sent = newest + distance
        if self.is_open and sent - self.sequence_offset >= self._start:
            return (sent - self.sequence_offset) & 0xFFFF
        for segment in self._history:
            number = sent - segment.sequence_offset
            if segment.start <= number < segment.end:
                return number & 0xFFFF
        return None

    def destination_timestamp(self, timestamp: int) -> int:
        """Return what a source timestamp becomes, for sender reports."""
        return (timestamp + self.timestamp_offset) & 0xFFFF_FFFF

    def _open_first(self, sequence_number: int, timestamp: int, now: float) -> None:
        self._highest = self._highest16 = sequence_number
        if self._first_sequence is not None:
            self.sequence_offset = self._first_sequence - sequence_number
        if self._first_timestamp is not None:
            self.timestamp_offset = self._first_timestamp - timestamp
        self._open(timestamp, now)

    def _open(self, timestamp: int, now: float) -> None:
        self._start = self._highest
        self.segment_start = self._highest16
        self._timestamp = timestamp
        self._anchor = (self.destination_timestamp(timestamp), now)
        self.is_open = True

    def _next_timestamp(self, timestamp: int, now: float) -> int:
        newest = self.destination_timestamp(self._timestamp or 0)
        candidate = self.destination_timestamp(timestamp)
        if timestamp_difference(candidate, newest) >= 0:
            return candidate
        return self._placed_timestamp(None, now)

    def _placed_timestamp(self, previous_timestamp: int | None, now: float) -> int:
        newest = self.destination_timestamp(self._timestamp or 0)
        anchored, then = self._anchor
        candidate = (anchored + round((now - then) * self._clock_rate)) & 0xFFFF_FFFF
        if previous_timestamp is not None:
            exact = self.destination_timestamp(previous_timestamp)
            # Farther off, the sender's clock was set, or it lies.
            if abs(timestamp_difference(exact, candidate)) <= self._clock_rate:
                candidate = exact
        # A receiver must never see time stand still or go back, however the clocks drift.
        if timestamp_difference(candidate, newest) <= 0:
            candidate = newest + 1
        return candidate & 0xFFFF_FFFF

    def _map_late(self, number: int, timestamp: int) -> tuple[int, int] | None:
        for segment in self._history:
            if segment.start <= number < segment.end:
                return (
                    (number + segment.sequence_offset) & 0xFFFF,
                    (timestamp + segment.timestamp_offset) & 0xFFFF_FFFF,
                )
        return None

    def _remember(self, end: int) -> None:
        self._history.appendleft(
            _Segment(self._start, end, self.sequence_offset, self.timestamp_offset)
        )
