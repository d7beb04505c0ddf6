"""When to pass a keyframe request on to the publisher.

Fifty subscribers that join at once need one keyframe, not fifty: requests are coalesced per
producer, at most one is sent per interval, and it is repeated until the keyframe is there.
"""

from __future__ import annotations

__all__ = ["KeyframeThrottle"]


class KeyframeThrottle:
    """Coalesces the keyframe requests for one producer.

    Args:
        min_interval: Seconds between two requests sent. LiveKit uses 0.5 s for the lowest
            layer and 1 s for the others.
        retry_interval: Seconds until a request is repeated that brought no keyframe.
        max_attempts: After so many requests without a keyframe it waits for somebody to ask
            again; a publisher that is muted cannot answer.
    """

    __slots__ = (
        "_attempts",
        "_is_deferred",
        "_is_pending",
        "_last_sent",
        "_max_attempts",
        "_min_interval",
        "_retry_interval",
    )

    def __init__(
        self, *, min_interval: float = 0.5, retry_interval: float = 1.0, max_attempts: int = 5
    ) -> None:
        self._min_interval = min_interval
        self._retry_interval = retry_interval
        self._max_attempts = max_attempts
        self._is_pending = False  # somebody waits for a keyframe
        self._is_deferred = False  # and the request for it was not sent yet
        self._attempts = 0
        self._last_sent: float | None = None

    @property
    def is_pending(self) -> bool:
        """Whether somebody asked for a keyframe that has not been seen."""
        return self._is_pending

    @property
    def next_deadline(self) -> float | None:
        """When `due` may answer True next; None while nobody waits."""
        if not self._is_pending or self._last_sent is None:
            return None
        interval = self._min_interval if self._is_deferred else self._retry_interval
        return self._last_sent + interval

    def request(self, now: float) -> bool:
        """Note that somebody needs a keyframe; return whether to send a request now.

        Who asks while others wait already is served with them; only a request that has brought
        nothing for the minimum interval is sent again for a newcomer.
        """
        if not self._is_pending:
            self._is_pending = True
            self._attempts = 0
            self._is_deferred = True
        if self._last_sent is not None and now - self._last_sent < self._min_interval:
            return False
        self._send(now)
        return True

    def due(self, now: float) -> bool:
        """Return whether to send a request now, deferred or repeated; it counts as sent."""
        deadline = self.next_deadline
        if deadline is None or now < deadline:
            return False
        if self._attempts >= self._max_attempts:
            self._is_pending = False
            return False
        self._send(now)
        return True

    def keyframe_seen(self) -> None:
        """Note that a keyframe arrived: everybody who waited has it."""
        self._is_pending = self._is_deferred = False

    def _send(self, now: float) -> None:
        self._is_deferred = False
        self._attempts += 1
        self._last_sent = now
