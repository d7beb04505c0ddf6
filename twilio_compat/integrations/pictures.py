"""Which pictures of a stream are passed on: so many per second, or those that were asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Generic, TypeVar

__all__ = ["PictureGate"]

_Request = TypeVar("_Request")

_TOLERANCE: Final = 0.02
"""Seconds that a picture may be early and still be the next one."""


class PictureGate(Generic[_Request]):
    """Decides picture by picture; pure but for `needed`.

    Args:
        rate: Pictures per second at most; 0 for none but those asked for, None for all.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._requests: deque[_Request] = deque()
        self._next = 0.0
        self._needed = asyncio.Event()
        self._weigh()

    @property
    def rate(self) -> float | None:
        """As in the constructor; may be changed at any time."""
        return self._rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        self._rate = rate
        self._next = 0.0
        self._weigh()

    @property
    def is_open(self) -> bool:
        """Whether any picture is wanted; while none is, nothing need be decoded."""
        return self._rate != 0 or bool(self._requests)

    async def needed(self) -> None:
        """Wait until pictures are wanted."""
        await self._needed.wait()

    def ask(self, request: _Request) -> None:
        """Have the next picture passed on, whatever the rate, as the answer to `request`."""
        self._requests.append(request)
        self._weigh()

    def withdraw(self) -> list[_Request]:
        """Take back the requests that are not answered."""
        requests = list(self._requests)
        self._requests.clear()
        self._weigh()
        return requests

    def admits(self, now: float) -> tuple[bool, _Request | None]:
        """Say whether the picture that came at `now` seconds is passed on, and to answer what."""
        if self._requests:
            request = self._requests.popleft()
            self._weigh()
            return True, request
        if not self._rate:
            return self._rate is None, None
        interval = 1 / self._rate
        # Pictures jitter, and 30 of 30 per second are to pass.
        if now < self._next - min(interval / 2, _TOLERANCE):
            return False, None
        is_late = now > self._next + interval
        self._next = (now if is_late else self._next) + interval
        return True, None

    def _weigh(self) -> None:
        if self.is_open:
            self._needed.set()
        else:
            self._needed.clear()
