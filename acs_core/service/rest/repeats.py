"""Requests that may be sent again: the same id with the same request gets the first answer again.

A client that does not know whether its request arrived repeats it, and nothing happens twice.

Source: OASIS "Repeatable Requests" 1.0. What it leaves open: an id that comes with another request
is refused (400), an answer that asks to try again is not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Final

from acs_core.errors import DeadlineError, ServiceError, Stage
from acs_core.service.rest.messages import AzureAnswer, wrong_request

__all__ = ["Repeatable", "Repeats", "repeatable", "should_try_again"]

WINDOW: Final = 600.0
"""Seconds for which answers are kept; clients give up sooner."""
MOST_ANSWERS: Final = 10_000
ANSWER_DEADLINE: Final = 30.0
LONGEST_ID: Final = 128
_RESULT: Final = "Repeatability-Result"


@dataclass(frozen=True, slots=True)
class Repeatable:
    """That a request may come again.

    Attributes:
        id: The client's.
        first_sent: Unix seconds.
        digest: Of method, target and body.
    """

    id: str
    first_sent: float
    digest: bytes


@dataclass(slots=True)
class _First:
    request: Repeatable
    came_at: float
    is_done: asyncio.Event = field(default_factory=asyncio.Event)
    answer: AzureAnswer | None = None


def repeatable(
    method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Repeatable | None:
    """What the headers say of repetition; None where they say nothing.

    Args:
        method: Upper case.
        target: Path and query.
        headers: Must ignore case.
        body: What was received.

    Raises:
        InvalidArgumentError: There is one of the two headers only, or one that is unusable.
    """
    id_, date = headers.get("Repeatability-Request-ID"), headers.get("Repeatability-First-Sent")
    if id_ is None and date is None:
        return None
    if not id_ or len(id_) > LONGEST_ID:
        raise wrong_request("Repeatability-Request-ID must be an id.")
    try:
        first_sent = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        raise wrong_request("Repeatability-First-Sent must be an HTTP date.") from None
    text = f"{method} {target}\n".encode("utf-8", "surrogatepass")
    return Repeatable(id_, first_sent, hashlib.sha256(text + body).digest())


class Repeats:
    """The first answers to repeatable requests.

    Args:
        size: So many at most; the oldest is forgotten first.
    """

    def __init__(self, *, size: int = MOST_ANSWERS) -> None:
        self._size = size
        self._firsts: dict[str, _First] = {}

    def knows(self, request: Repeatable | None) -> bool:
        """Whether this very request came before, so that it changes nothing now."""
        first = None if request is None else self._firsts.get(request.id)
        return first is not None and request is not None and first.request.digest == request.digest

    async def answer(
        self, request: Repeatable, respond: Callable[[], Awaitable[AzureAnswer]], *, now: float
    ) -> AzureAnswer:
        """The first answer to a request.

        Args:
            request: What came.
            respond: Carries it out when it is the first.
            now: Unix seconds.

        Raises:
            InvalidArgumentError: Another request had this id.
            ServiceError: 412, it was first sent before answers are kept.
            DeadlineError: The first one takes too long.
        """
        self._forget_before(now - WINDOW)
        first = self._firsts.get(request.id)
        if first is not None:
            return await _again(first, request)
        if request.first_sent < now - WINDOW:
            raise ServiceError(
                "Nobody knows any more whether this request was carried out.",
                code=412,
                stage=Stage.ARGUMENT,
                next_step="Look whether it was, then send it under a new id.",
            )
        first = self._firsts[request.id] = _First(request, now)
        try:
            answer = await respond()
            first.answer = replace(answer, headers={**(answer.headers or {}), _RESULT: "accepted"})
            return first.answer
        finally:
            first.is_done.set()
            if first.answer is None or should_try_again(first.answer.status):
                self._firsts.pop(request.id, None)

    def _forget_before(self, time: float) -> None:
        # In order of arrival.
        while self._firsts:
            oldest = next(iter(self._firsts.values()))
            if oldest.came_at >= time and len(self._firsts) < self._size:
                return
            del self._firsts[oldest.request.id]


async def _again(first: _First, request: Repeatable) -> AzureAnswer:
    if first.request.digest != request.digest:
        raise wrong_request("Another request had this Repeatability-Request-ID.")
    try:
        async with asyncio.timeout(ANSWER_DEADLINE):
            await first.is_done.wait()
    except TimeoutError as error:
        raise DeadlineError("The first request of this id is not done yet.") from error
    if first.answer is None:
        raise ServiceError("The first request of this id failed.", code=503)
    return first.answer


def should_try_again(status: int) -> bool:
    """Whether clients repeat a request after such an answer."""
    return status in (408, 429) or (status >= 500 and status != 501)
