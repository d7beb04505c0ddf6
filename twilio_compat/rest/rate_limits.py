"""How many requests the REST API takes: so many reads and so many writes a second.

The quotas are of the account, whatever keys its programs use; one account is all that a service
has. Each is a bucket of tokens that holds those of one second, so a burst of that many is let in at
once. A request that is refused was not carried out and may be sent again.

Source: Twilio Video's account quotas (80 read and 20 write requests a second) and error 20429; RFC
9110 section 10.2.3 for `Retry-After`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

__all__ = ["RateLimits", "TokenBucket"]

READING: Final = frozenset({"GET", "HEAD"})


class TokenBucket:
    """Tokens that come back at a steady rate.

    Args:
        rate: Tokens a second; it holds as many, and at least one.
        clock: Seconds of any steady clock.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._size = max(1.0, rate)
        self._clock = clock
        self._tokens = self._size
        self._at = clock()

    def take(self) -> float:
        """Take a token; return 0.0, or the seconds until there is one, if there is none."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate


class RateLimits:
    """The quotas of one account.

    Args:
        reads: Requests a second that change nothing.
        writes: Requests a second that may.
        clock: Seconds of any steady clock.
    """

    def __init__(
        self,
        reads: float = 80.0,
        writes: float = 20.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reads = TokenBucket(reads, clock)
        self._writes = TokenBucket(writes, clock)

    def take(self, method: str) -> int:
        """Count a request.

        Args:
            method: Of HTTP.

        Returns:
            0 if it may be carried out, else after how many whole seconds it may be tried again.
        """
        bucket = self._reads if method in READING else self._writes
        return math.ceil(bucket.take())
