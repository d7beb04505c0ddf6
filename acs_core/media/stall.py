"""Tells when a source that captures gives no frames, and when they come again.

Theory of operation: one timer per capture. It is not set anew with each frame, which would cost
more than the frames; when it fires it looks when the newest one came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["StallWatch"]


class StallWatch:
    """Watches one capture on the event loop; `stop` ends it.

    Args:
        tell: Called with True when no frame came for `after` seconds, and with False when the next
            one does.
        after: Seconds; counted from the first frame, since devices take long to start.
    """

    def __init__(self, tell: Callable[[bool], None], after: float) -> None:
        self._tell = tell
        self._after = after
        self._loop = asyncio.get_running_loop()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_stalled = False

    def frame(self) -> None:
        """A frame came."""
        self._last = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._after, self._look)
        if self._is_stalled:
            self._is_stalled = False
            self._tell(False)

    def stop(self) -> None:
        """The capture is over, and nothing is stalled any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_stalled:
            self._is_stalled = False
            self._tell(False)

    def _look(self) -> None:
        left = self._last + self._after - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
            return
        self._timer = None
        self._is_stalled = True
        self._tell(True)
