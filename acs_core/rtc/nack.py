"""Lost packets: the cache that answers a NACK, and the tracker that decides what to ask for.

Source: RFC 4585 section 6.2.1. aiortc asks once, when it first sees a gap: a NACK that is lost
itself then stalls the picture. This tracker repeats its requests until the packet is there or
too old to be of use.
"""

from __future__ import annotations

from typing import Final

from acs_core.rtc.packet import sequence_difference

__all__ = ["NackTracker", "PacketCache", "ResendLimiter"]

_MAX_MISORDER: Final = 1000
"""A packet this much older than the newest is not late: the stream was started again."""


class ResendLimiter:
    """Refuses to send the same packet again too soon, for one receiver.

    A receiver repeats a NACK whose answer is still on its way, and anybody can ask for the same
    packet a thousand times.
    """

    __slots__ = ("_answered", "_capacity", "_interval", "_numbers")

    def __init__(self, *, interval: float = 0.01, capacity: int = 512) -> None:
        self._interval = interval
        self._capacity = capacity
        self._numbers = [-1] * capacity
        self._answered = [0.0] * capacity

    def allows(self, sequence_number: int, now: float) -> bool:
        """Say whether the packet may be sent again now; if so, that is remembered."""
        slot = sequence_number % self._capacity
        is_known = self._numbers[slot] == sequence_number
        if is_known and now - self._answered[slot] < self._interval:
            return False
        self._numbers[slot] = sequence_number
        self._answered[slot] = now
        return True


class PacketCache:
    """The newest packets of one stream by sequence number, to be sent again on request.

    Where several receivers share the cache, give it `min_resend_interval=0` and each receiver
    a `ResendLimiter`: one receiver's request must not silence another's.

    Args:
        capacity: How many packets; 512 are about two seconds of a 2 Mb/s video.
        min_resend_interval: Seconds between two answers with the same packet.
        max_age: A packet older than this many seconds is of no use to anybody.
    """

    __slots__ = ("_capacity", "_limiter", "_max_age", "_numbers", "_packets", "_times")

    def __init__(
        self, capacity: int = 512, *, min_resend_interval: float = 0.01, max_age: float = 5.0
    ) -> None:
        self._capacity = capacity
        self._max_age = max_age
        self._limiter = ResendLimiter(interval=min_resend_interval, capacity=capacity)
        self._numbers = [-1] * capacity
        self._packets = [b""] * capacity
        self._times = [0.0] * capacity

    def put(self, sequence_number: int, packet: bytes, now: float) -> None:
        """Keep a packet; it takes the place of the one that is `capacity` numbers older."""
        slot = sequence_number % self._capacity
        self._numbers[slot] = sequence_number
        self._packets[slot] = packet
        self._times[slot] = now

    def holds(self, sequence_number: int) -> bool:
        """Say whether the packet is still there, however old it is."""
        return self._numbers[sequence_number % self._capacity] == sequence_number

    def get(self, sequence_number: int, now: float) -> bytes | None:
        """Return the packet; None if it is gone, too old, or was answered just now."""
        slot = sequence_number % self._capacity
        if self._numbers[slot] != sequence_number or now - self._times[slot] > self._max_age:
            return None
        return self._packets[slot] if self._limiter.allows(sequence_number, now) else None


class _Missing:
    """One packet that has not arrived."""

    __slots__ = ("next_request", "requests", "since")

    def __init__(self, since: float, next_request: float) -> None:
        self.since = since
        self.next_request = next_request
        self.requests = 0


class NackTracker:
    """Knows which packets of one stream are missing, and when to ask for each of them.

    Tell it every packet that arrives (repaired ones with their original number), and ask `due`
    after a gap or at `next_deadline`.

    Args:
        first_delay: Seconds between a gap and the first request, for networks that reorder.
        repeat_interval: Seconds until a request is repeated; set it to the round trip time.
        max_age: Seconds after which a missing packet is given up.
        max_missing: How many are remembered; the oldest are given up for newer ones.

    Attributes:
        repeat_interval: May be changed at any time; it holds from the next request on.
        gave_up: How many packets were given up; on video each is a reason to ask for a keyframe.
        repaired: How many arrived after they had been asked for.
    """

    __slots__ = (
        "_first_delay",
        "_highest",
        "_max_age",
        "_max_missing",
        "_missing",
        "_suspect",
        "gave_up",
        "repaired",
        "repeat_interval",
    )

    def __init__(
        self,
        *,
        first_delay: float = 0.0,
        repeat_interval: float = 0.1,
        max_age: float = 1.0,
        max_missing: int = 500,
    ) -> None:
        self._first_delay = first_delay
        self._max_age = max_age
        self._max_missing = max_missing
        self._highest: int | None = None  # unwrapped
        self._missing: dict[int, _Missing] = {}  # by unwrapped number, oldest first
        self._suspect: int | None = None
        self.repeat_interval = repeat_interval
        self.gave_up = 0
        self.repaired = 0

    @property
    def missing(self) -> int:
        """How many packets are being waited for."""
        return len(self._missing)

    @property
    def next_deadline(self) -> float | None:
        """When `due` has something to do next; None while nothing is missing."""
        return min(
            (min(m.next_request, m.since + self._max_age) for m in self._missing.values()),
            default=None,
        )

    def received(self, sequence_number: int, now: float) -> None:
        """Note that a packet arrived, in any order and any number of times."""
        highest = self._highest
        if highest is None:
            self._highest = sequence_number
            return
        distance = sequence_difference(sequence_number, highest & 0xFFFF)
        if distance == 1:
            self._highest = highest + 1
        elif distance > 1:
            self._highest = highest + distance
            self._add_gap(highest + 1, highest + distance, now)
        elif distance < -_MAX_MISORDER:
            self._maybe_restart(sequence_number)
        else:
            repaired = self._missing.pop(highest + distance, None)
            if repaired is not None and repaired.requests:
                self.repaired += 1

    def restart(self, newest: int | None) -> None:
        """Wait for nothing up to `newest`, or to the first packet if None; the counts stay."""
        self._highest, self._suspect = newest, None
        self._missing.clear()

    def due(self, now: float) -> list[int]:
        """Return the numbers to ask for now, oldest first; what is too old is given up.

        The requests count as made.
        """
        requests: list[int] = []
        obsolete: list[int] = []
        for number, missing in self._missing.items():
            if now >= missing.since + self._max_age:
                obsolete.append(number)
            elif missing.next_request <= now:
                missing.requests += 1
                missing.next_request = now + self.repeat_interval
                requests.append(number & 0xFFFF)
        for number in obsolete:
            del self._missing[number]
        self.gave_up += len(obsolete)
        return requests

    def _add_gap(self, start: int, end: int, now: float) -> None:
        given_up = len(self._missing) + end - start - self._max_missing
        if end - start > self._max_missing:
            # An outage. Nobody waits for so many packets, least of all for a part of them.
            given_up = len(self._missing) + end - start
            self._missing.clear()
            start = end
        for number in list(self._missing)[: max(0, given_up)]:
            del self._missing[number]
        self.gave_up += max(0, given_up)
        for number in range(start, end):
            self._missing[number] = _Missing(now, now + self._first_delay)

    def _maybe_restart(self, sequence_number: int) -> None:
        # RFC 3550 appendix A.1: "Two sequential packets -- assume that the other side restarted
        # without telling us".
        if sequence_number != self._suspect:
            self._suspect = (sequence_number + 1) & 0xFFFF
            return
        self.gave_up += len(self._missing)
        self._missing.clear()
        self._highest = sequence_number
        self._suspect = None
