"""Pacing: when the next message may go out, so that a stream keeps its bit rate.

The stream is a line on which each message takes as long as its rate says; a message that comes
while the line is taken waits its turn. Pure: time is an argument.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LONGEST_WAIT", "Pacing"]

LONGEST_WAIT: Final = 5.0
"""Seconds of messages that may wait; more are refused."""


class Pacing:
    """The line of one stream.

    Args:
        rate_bps: How much goes out in a second; None: everything goes at once.
    """

    def __init__(self, rate_bps: float | None) -> None:
        self._rate_bps = rate_bps
        self._free_at = 0.0

    def reserve(self, size: int, *, now: float) -> float | None:
        """Take a place in the line.

        Args:
            size: Bytes of the message.
            now: Seconds of a clock that does not go back.

        Returns:
            Seconds to wait before the message is sent; None when too much waits already, and then
            no place was taken.
        """
        if self._rate_bps is None:
            return 0.0
        starts_at = max(now, self._free_at)
        if starts_at - now > LONGEST_WAIT:
            return None
        self._free_at = starts_at + 8 * size / self._rate_bps
        return starts_at - now
