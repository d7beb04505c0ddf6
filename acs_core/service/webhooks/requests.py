"""What is told to others, and how far that is: values without a network."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from acs_core.errors import InvalidArgumentError

__all__ = ["Delivery", "DeliveryState", "DeliveryTimes", "WebhookRequest", "json_request"]

METHODS: Final = ("POST", "GET")


class DeliveryState(StrEnum):
    """What became of a request; `FAILED` is given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeliveryTimes:
    """How long attempts take, and when the next one is due.

    Attributes:
        attempt: Seconds for one request, name resolution included.
        pauses: Seconds after the first, second, ... failed attempt; it is given up after the last.
        jitter: Share of a pause that is added at random at most, so that many do not come at once.
        lifetime: Seconds after which it is given up however few attempts were made.
        breaker: Seconds for which a host that fails again and again is left alone.
        kept: Seconds for which is remembered what was delivered or given up.
        sweep: Seconds between looks at what is old.
        grace: Seconds that a closing service spends on what nobody tried to deliver yet.
    """

    attempt: float = 5.0
    pauses: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0, 600.0)
    jitter: float = 0.2
    lifetime: float = 86400.0
    breaker: float = 30.0
    kept: float = 7 * 86400.0
    sweep: float = 3600.0
    grace: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One HTTP request that somebody is to get.

    Attributes:
        url: Absolute, and spelled as it is to be sent.
        event: What it tells; for people.
        group: Requests of a group are delivered one after the other, in the order of posting.
        method: POST, or GET, which has no body.
        headers: Without those that follow from URL and body.
        body: Sent as UTF-8.
        expected: Text that the answer must have in it; empty where its status says enough.
        id: 32 hex digits; the same at each attempt.

    Raises:
        InvalidArgumentError: The method is another.
    """

    url: str
    event: str
    group: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    expected: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        """Check the method."""
        if self.method not in METHODS:
            raise InvalidArgumentError(f"Webhooks are sent with GET or POST, not {self.method!r}.")


def json_request(
    url: str,
    payload: object,
    *,
    event: str,
    group: str,
    headers: Mapping[str, str] | None = None,
    expected: str = "",
    content_type: str = "application/json; charset=utf-8",
) -> WebhookRequest:
    """A POST of JSON.

    Args:
        url: Where to.
        payload: What `json.dumps` takes.
        event: See `WebhookRequest`.
        group: See `WebhookRequest`.
        headers: Besides the content type.
        expected: See `WebhookRequest`.
        content_type: For instance that of a batch of CloudEvents.
    """
    return WebhookRequest(
        url=url,
        event=event,
        group=group,
        headers={"Content-Type": content_type, **(headers or {})},
        # Escapes keep what is no Unicode, such as half a surrogate pair, from being an error.
        body=json.dumps(payload, ensure_ascii=True),
        expected=expected,
    )


@dataclass(slots=True, eq=False)
class Delivery:
    """A request and how far its delivery is; times are Unix seconds.

    Attributes:
        sequence: Place in its group, from 0.
        next_at: When the next attempt is due.
        status: HTTP status of the last attempt; None when there was no answer.
        error: What was wrong with the last attempt.
        replay_of: The id of the delivery that an operator had repeated by this one.
    """

    request: WebhookRequest
    sequence: int
    created_at: float
    next_at: float
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    status: int | None = None
    error: str | None = None
    delivered_at: float | None = None
    replay_of: str | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Delivery:
        """As `as_row` has written it."""
        request = WebhookRequest(
            url=row["url"],
            event=row["event"],
            group=row["group_id"],
            method=row["method"],
            headers=row["headers"],
            body=row["body"],
            expected=row["expected"],
            id=row["id"],
        )
        return cls(
            request,
            row["sequence"],
            row["created_at"],
            row["next_at"],
            state=DeliveryState(row["state"]),
            attempts=row["attempts"],
            status=row["status"],
            error=row["error"],
            delivered_at=row["delivered_at"],
            replay_of=row["replay_of"],
        )

    def as_row(self) -> dict[str, Any]:
        """Everything, by column."""
        request = self.request
        return {
            "id": request.id,
            "group_id": request.group,
            "sequence": self.sequence,
            "event": request.event,
            "url": request.url,
            "method": request.method,
            "headers": dict(request.headers),
            "body": request.body,
            "expected": request.expected,
            "replay_of": self.replay_of,
            "created_at": self.created_at,
            **self.progress(),
        }

    def progress(self) -> dict[str, Any]:
        """What attempts change, by column."""
        return {
            "state": str(self.state),
            "attempts": self.attempts,
            "next_at": self.next_at,
            "status": self.status,
            "error": self.error,
            "delivered_at": self.delivered_at,
        }

    @property
    def is_fresh(self) -> bool:
        """Whether nobody tried to deliver it yet."""
        return self.attempts == 0 and self.state is DeliveryState.PENDING

    def succeeded(self, status: int, *, now: float) -> None:
        """It was taken."""
        self.attempts += 1
        self.status, self.error = status, None
        self.state, self.delivered_at = DeliveryState.DELIVERED, now

    def fail(self, error: str) -> None:
        """Give it up."""
        self.state, self.error = DeliveryState.FAILED, error

    def attempt_failed(
        self,
        error: str,
        *,
        status: int | None,
        may_retry: bool,
        times: DeliveryTimes,
        now: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """It was not taken: try again later, or give it up.

        Args:
            error: Why.
            status: The answer's, if there was one.
            may_retry: Whether another attempt could end otherwise.
            times: When to try again.
            now: Unix seconds.
            chance: Gives numbers from 0 to 1.
        """
        self.attempts += 1
        self.status, self.error = status, error
        if not may_retry or self.attempts > len(times.pauses):
            self.state = DeliveryState.FAILED
            return
        pause = times.pauses[self.attempts - 1]
        self.next_at = now + pause * (1 + times.jitter * chance())
