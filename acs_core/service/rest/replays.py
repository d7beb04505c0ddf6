"""Tells requests that somebody recorded and sends again from those that are genuine.

Theory of operation. What is signed has a date in whole seconds and no number, so a client that asks
the same twice within one second signs the same twice: two users made in a row are two requests with
one signature. They differ in `x-ms-client-request-id`, which every Azure client sends and nobody
signs. Therefore:

* A signature is good for `SIGNATURE_LIFETIME` seconds from when it was first seen; longer than a
  genuine client has it in its queue, and much shorter than clocks may be apart.
* Within that time the same signature with the same id is the same request again, and is refused,
  unless it changes nothing: it only reads, or its first answer is known and given again
  (`repeats.py`). A client whose first attempt was answered with "try again" may do so at once.

Who can change headers on the way could send a request once more within `SIGNATURE_LIFETIME`, under
another id; TLS is what keeps them off the way. What was seen is forgotten when its date alone
refuses it, and when the process ends.

Pure: time is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from acs_core.errors import AuthenticationError, Stage
from acs_core.signed_request import CLOCK_SKEW, SignedRequest

__all__ = ["SIGNATURE_LIFETIME", "Replays"]

SIGNATURE_LIFETIME: Final = 10.0
MOST_REQUESTS: Final = 100_000
"""Requests that are remembered: 160 a second, with dates of all of ten minutes."""
LONGEST_ID: Final = 64


@dataclass(slots=True)
class _Use:
    first_seen: float
    ids: set[str] = field(default_factory=set)


class Replays:
    """Requests that were believed, as long as their dates are acceptable.

    Args:
        size: Requests that are remembered. When there are more, those with the oldest date are
            forgotten, and others of that age are refused rather than believed twice.
    """

    def __init__(self, *, size: int = MOST_REQUESTS) -> None:
        self._size = size
        self._count = 0
        self._uses: dict[float, dict[str, _Use]] = {}
        self._forgotten = float("-inf")

    def enter(
        self, request: SignedRequest, request_id: str, *, is_harmless: bool, now: float
    ) -> None:
        """Remember a request, or refuse it because it was seen before.

        Args:
            request: Believed, apart from this.
            request_id: What the client calls it; empty for nothing.
            is_harmless: Whether it may come again: it changes nothing.
            now: Unix seconds.

        Raises:
            AuthenticationError: 401, somebody sent it again.
        """
        self._forget_before(now - CLOCK_SKEW)
        use = self._uses.get(request.signed_at, {}).get(request.signature)
        request_id = request_id[:LONGEST_ID]
        if use is None:
            if request.signed_at <= self._forgotten:
                raise _refused("The request is older than the service's memory of requests.")
            use = self._remember(request, now)
        elif now - use.first_seen > SIGNATURE_LIFETIME:
            raise _refused("The request was signed for another one, a while ago.")
        elif request_id in use.ids and not is_harmless:
            raise _refused("The request was sent before.")
        if request_id not in use.ids:
            use.ids.add(request_id)
            self._count += 1
            self._make_room()

    def forget(self, request: SignedRequest, request_id: str) -> None:
        """Let a request come again that could not be carried out."""
        use = self._uses.get(request.signed_at, {}).get(request.signature)
        request_id = request_id[:LONGEST_ID]
        if use is not None and request_id in use.ids:
            use.ids.remove(request_id)
            self._count -= 1

    def _remember(self, request: SignedRequest, now: float) -> _Use:
        use = _Use(now)
        self._uses.setdefault(request.signed_at, {})[request.signature] = use
        return use

    def _make_room(self) -> None:
        while self._count > self._size and len(self._uses) > 1:
            oldest = min(self._uses)
            self._drop(oldest)
            self._forgotten = max(self._forgotten, oldest)

    def _forget_before(self, date: float) -> None:
        for second in [second for second in self._uses if second < date]:
            self._drop(second)

    def _drop(self, second: float) -> None:
        self._count -= sum(len(use.ids) for use in self._uses.pop(second).values())


def _refused(message: str) -> AuthenticationError:
    return AuthenticationError(
        message,
        stage=Stage.TOKEN,
        next_step="Sign each request anew, with the present date and an x-ms-client-request-id.",
    )
