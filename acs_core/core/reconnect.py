"""How long to wait between attempts to restore a connection.

Theory of operation. The owner of a lost connection asks for the next wait after each attempt that
failed. Waits grow by a factor up to a maximum and are spread by a random number that the caller
brings, so that a thousand clients do not return in one moment. When they would exceed the window,
trying on makes no sense.

Source: twilio-video.js 2.36 backs off from 80 ms; the window of ACS is 120 s, that of Twilio 30 s.
"""

from __future__ import annotations

from acs_core.errors import InvalidArgumentError

__all__ = ["Backoff"]


class Backoff:
    """The waits of one series of attempts."""

    def __init__(
        self, *, window: float, first: float = 0.08, factor: float = 1.5, maximum: float = 5.0
    ) -> None:
        """Start a series.

        Args:
            window: Seconds after the loss within which it makes sense to try.
            first: Seconds before the first repetition, before jitter.
            factor: By how much each wait is longer than the one before.
            maximum: Seconds that no wait exceeds.

        Raises:
            InvalidArgumentError: The waits would not grow, or not be positive.
        """
        if not (0 < first <= maximum and factor >= 1 and window >= 0):
            raise InvalidArgumentError(
                "A back-off needs 0 < first <= maximum, factor >= 1 and window >= 0."
            )
        self._window = window
        self._first = first
        self._factor = factor
        self._maximum = maximum
        self._step = first
        self._attempts = 0

    @property
    def attempts(self) -> int:
        """How many waits were handed out since the start or the last `reset`."""
        return self._attempts

    def next_delay(self, jitter: float) -> float:
        """Seconds to wait before the next attempt.

        Args:
            jitter: A random number in [0, 1); the wait is between half of and the whole step.
        """
        delay = self._step * (0.5 + 0.5 * jitter)
        self._step = min(self._maximum, self._step * self._factor)
        self._attempts += 1
        return delay

    def is_worth_trying(self, elapsed: float, delay: float) -> bool:
        """Whether an attempt after `delay` seconds still falls into the window.

        Args:
            elapsed: Seconds since the loss.
            delay: From `next_delay`.
        """
        return elapsed + delay <= self._window

    def reset(self) -> None:
        """The connection works again: the next loss starts with a short wait."""
        self._step = self._first
        self._attempts = 0
