"""Sessions of native clients: what survives the loss of a WebSocket.

Theory of operation. A session numbers everything it says (`Delivery.seq`) and keeps it until the
client confirmed it, so that a client which comes back within the window gets the rest, once and in
order. Requests are numbered by the client and answered once: one that is repeated after a resume is
not carried out again, its answer is among what the resume delivers. A client that does not read is
cut off when too much waits for it.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final, Protocol

from acs_core import wire
from acs_core.errors import ServiceError, Stage
from acs_core.service.identity import Principal

__all__ = ["AgentSession", "Outlet", "SessionTimes"]

KEPT_REQUESTS: Final = 1024


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """Deadlines, rates and limits of native sessions.

    Attributes:
        hello: Seconds for the first message.
        heartbeat: Seconds between a client's pings; three missed ones end the WebSocket.
        acs_window: Seconds for which an ACS client without WebSocket is kept (ACS: 120).
        twilio_window: The same for a Twilio client (Twilio: 30).
        messages_per_second: More than that closes the WebSocket.
        buffer_limit: Bytes that may wait for a client's confirmation.
        endpoints: Calls that one session may be in at a time.
        sessions: Sessions that one user may have at a time, lost ones included.
    """

    hello: float = 5.0
    heartbeat: float = 5.0
    acs_window: float = 120.0
    twilio_window: float = 30.0
    messages_per_second: int = 50
    buffer_limit: int = 1 << 20
    endpoints: int = 16
    sessions: int = 64


class Outlet(Protocol):
    """The WebSocket that a session writes to; never blocks."""

    def send(self, text: str) -> None:
        """Queue one message."""

    def close(self, code: wire.CloseCode, reason: str) -> None:
        """End the WebSocket after what was queued; at once when the client does not read."""


class AgentSession:
    """One call agent's session with the service.

    Attributes:
        id: Names the session in `Hello.resume`.
        principal: Who the client is.
    """

    def __init__(self, principal: Principal, *, window: float, buffer_limit: int) -> None:
        self.id = secrets.token_hex(16)
        self.principal = principal
        self.window = window
        self._secret = secrets.token_urlsafe(24)
        self._buffer_limit = buffer_limit
        self._outlet: Outlet | None = None
        self._seq = 0
        self._unconfirmed: deque[tuple[int, str]] = deque()
        self._unconfirmed_size = 0
        self._begun: OrderedDict[int, None] = OrderedDict()
        self._is_overrun = False

    @property
    def is_attached(self) -> bool:
        """Whether a WebSocket carries this session now."""
        return self._outlet is not None

    @property
    def is_overrun(self) -> bool:
        """Whether more waited than the buffer holds; such a session cannot be resumed."""
        return self._is_overrun

    def attach(self, outlet: Outlet, *, heartbeat: float, received: int | None = None) -> None:
        """Continue on a WebSocket: say welcome, then what the client has not received.

        Args:
            outlet: The new WebSocket; an earlier one is closed.
            heartbeat: Seconds between the client's pings.
            received: On a resume, the last `Delivery.seq` that the client handled.
        """
        if self._outlet is not None:
            self._outlet.close(wire.CloseCode.REPLACED, "The session continues elsewhere.")
        self._outlet = outlet
        welcome = wire.Welcome(
            session=self.id,
            secret=self._secret,
            window=self.window,
            heartbeat=heartbeat,
            resumed=received is not None,
        )
        outlet.send(wire.encode(welcome))
        self.confirm(received or 0)
        for _, text in self._unconfirmed:
            outlet.send(text)

    def detach(self, outlet: Outlet) -> bool:
        """Forget a WebSocket that ended; False when another one has taken over already."""
        if self._outlet is not outlet:
            return False
        self._outlet = None
        return True

    def check_resume(self, resume: wire.Resume, principal: Principal) -> None:
        """Refuse a resume that is not this client's or comes too late.

        Raises:
            ServiceError: 410, the client must start over.
        """
        is_genuine = hmac.compare_digest(resume.secret.encode(), self._secret.encode())
        oldest = self._unconfirmed[0][0] if self._unconfirmed else self._seq + 1
        if (
            not is_genuine
            or principal.raw_id != self.principal.raw_id
            or self._is_overrun
            or not oldest - 1 <= resume.received <= self._seq
        ):
            raise ServiceError(
                "The session cannot be resumed.",
                code=410,
                stage=Stage.SIGNALING,
                next_step="Join the call again.",
            )

    def renew(self, principal: Principal) -> None:
        """Take what the client's token says now, if it is valid for longer than the last one."""
        if principal.expires_at > self.principal.expires_at:
            self.principal = principal

    def deliver(self, body: wire.DeliveryBody, *, reply_to: int | None = None) -> None:
        """Say something to the client, now or when it is back."""
        if self._is_overrun:
            return
        self._seq += 1
        text = wire.encode(wire.Delivery(seq=self._seq, body=body, reply_to=reply_to))
        self._unconfirmed.append((self._seq, text))
        self._unconfirmed_size += len(text)
        if self._unconfirmed_size > self._buffer_limit:
            self._is_overrun = True
            self._unconfirmed.clear()
            if self._outlet is not None:
                self._outlet.close(wire.CloseCode.SLOW_READER, "Too much is unconfirmed.")
        elif self._outlet is not None:
            self._outlet.send(text)

    def confirm(self, received: int) -> None:
        """Forget what the client has handled."""
        while self._unconfirmed and self._unconfirmed[0][0] <= received:
            self._unconfirmed_size -= len(self._unconfirmed.popleft()[1])

    def begin(self, request: wire.Request) -> bool:
        """Whether a request is new; a repeated one must not be carried out again.

        Its answer, if there is one already, was delivered under a number of its own and is part
        of what a resume delivers.
        """
        if request.id in self._begun:
            return False
        self._begun[request.id] = None
        while len(self._begun) > KEPT_REQUESTS:
            self._begun.popitem(last=False)
        return True

    def shut(self, code: wire.CloseCode, reason: str) -> None:
        """Close the WebSocket, if there is one; the session is over."""
        if self._outlet is not None:
            self._outlet.close(code, reason)
            self._outlet = None

    def pong(self) -> None:
        """Answer a ping; not part of what is kept."""
        if self._outlet is not None:
            self._outlet.send(_PONG)


_PONG: Final = wire.encode(wire.Pong())
