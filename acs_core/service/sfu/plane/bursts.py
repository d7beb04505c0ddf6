"""Bandwidth estimation at the price of one update per burst instead of one per packet.

The estimator compares groups of packets, and packets that arrive within one millisecond are one
group to it whatever their send times are; so they are added up here, and it is told once. It
is Python and the dearest part of a packet's way in: a picture of ten packets costs it a tenth.

Source: draft-ietf-rmcat-gcc-02 section 5.2 (bursts); `InterArrival.belongs_to_burst` in aiortc.
"""

from __future__ import annotations

from typing import Final

from acs_core.aiortc_private import RateEstimator

__all__ = ["BurstEstimator"]

_HALF: Final = 1 << 23
_MASK: Final = (1 << 24) - 1


class BurstEstimator:
    """`RateEstimator` for one transport; a burst counts when the next one begins."""

    __slots__ = ("_arrival", "_estimator", "_now", "_send_time", "_size", "_ssrc")

    def __init__(self) -> None:
        self._estimator = RateEstimator()
        self._arrival = -1
        self._now = 0.0
        self._ssrc = 0
        self._send_time = 0
        self._size = 0

    def add(self, ssrc: int, send_time: int, size: int, now: float) -> int | None:
        """Count one packet; return a new estimate in bits per second when there is one.

        Args:
            ssrc: The stream.
            send_time: The 24 bits of abs-send-time.
            size: Payload bytes.
            now: Arrival, seconds on any monotonic clock.
        """
        arrival = int(now * 1000)
        if arrival == self._arrival and ssrc == self._ssrc:
            self._size += size
            if (send_time - self._send_time) & _MASK < _HALF:
                self._send_time = send_time
            return None
        estimate = None
        if self._arrival >= 0:
            estimate = self._estimator.add(self._ssrc, self._send_time, self._size, self._now)
        self._arrival, self._now = arrival, now
        self._ssrc, self._send_time, self._size = ssrc, send_time, size
        return estimate
