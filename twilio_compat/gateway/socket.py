"""One WebSocket of a twilio-video.js client: `TcmpServer` on aiohttp.

Per socket there is the handler that reads, one writing task and one timer, all ended by `run`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from aiohttp import WebSocketError, WSMessage, WSMsgType, web

from acs_core.service.outlet import CLOSE_TIMEOUT, SocketOutlet
from twilio_compat.gateway.tcmp import (
    Busy,
    Close,
    CloseCode,
    Deliver,
    Effect,
    Greet,
    Hello,
    Send,
    TcmpLimits,
    TcmpServer,
    TcmpState,
    TcmpTimes,
)

__all__ = ["EndKind", "SignalingSocket", "SocketEnd"]

_log = logging.getLogger(__name__)

NO_CLOSE_FRAME: Final = 1006
NO_CODE: Final = 1005
DEFAULT_TIMES: Final = TcmpTimes()
DEFAULT_LIMITS: Final = TcmpLimits()


class EndKind(StrEnum):
    """How a socket ended."""

    CLIENT_CLOSED = "client closed"
    """A close frame came; the code is the client's."""
    LOST = "lost"
    """The connection went away, or could not be written to."""
    BEATS_LOST = "beats lost"
    """The client was silent for too long."""
    VIOLATION = "violation"
    """The client broke the protocol or a limit; the code is ours."""
    SLOW_READER = "slow reader"
    """Too much waited for the client to read it."""
    SERVER_CLOSED = "server closed"
    """`close` was called; the code is ours."""
    REFUSED = "refused"
    """The client was told that the server is busy, and went."""
    FAILED = "failed"
    """`on_body` raised."""


@dataclass(frozen=True, slots=True)
class SocketEnd:
    """How a socket ended.

    Attributes:
        code: The first close code that either side gave; 1006 where there was none.
        reason: What was said with it.
        is_goodbye: Whether the client ended its session: it said `bye` or closed with 1000. A page
            that is closed or reloaded does neither.
    """

    kind: EndKind
    code: int
    reason: str = ""
    is_goodbye: bool = False


def _welcome(_: Hello) -> None:
    """Admit everybody."""


class SignalingSocket:
    """A client's WebSocket, from the upgrade to its end.

    Made and run by the request's handler, which returns `response`::

        socket = SignalingSocket(request)
        end = await socket.run(on_body)
        return socket.response

    Args:
        request: The upgrade request.
        times: Deadlines.
        limits: What the client may do.
        admit: Asked at each hello; None welcomes, a `Busy` sends away.
    """

    def __init__(
        self,
        request: web.Request,
        *,
        times: TcmpTimes = DEFAULT_TIMES,
        limits: TcmpLimits = DEFAULT_LIMITS,
        admit: Callable[[Hello], Busy | None] = _welcome,
    ) -> None:
        # Pings are answered here and not counted; closes are not answered by aiohttp, which would
        # say 1000 to each: a client that closes with 3005 to come again takes that for the end.
        self._response = web.WebSocketResponse(
            max_msg_size=limits.message,
            compress=False,
            autoping=True,
            autoclose=False,
            timeout=CLOSE_TIMEOUT,
        )
        self._request = request
        self._admit = admit
        self._loop = asyncio.get_running_loop()
        self._core = TcmpServer(times, limits, now=self._loop.time())
        self._outlet = SocketOutlet(self._response, request, limit=limits.backlog)
        self._on_body: Callable[[dict[str, Any]], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._end: SocketEnd | None = None

    @property
    def response(self) -> web.WebSocketResponse:
        """What the handler returns after `run`."""
        return self._response

    @property
    def is_open(self) -> bool:
        """Whether the client was welcomed, and neither side has begun to close."""
        return self._core.state is TcmpState.OPEN

    async def run(self, on_body: Callable[[dict[str, Any]], None]) -> SocketEnd:
        """Upgrade, then read until the WebSocket is closed, within 2 s of the wish to close it.

        Args:
            on_body: Takes the body of the hello and of each `msg`, in order, after the welcome; it
                answers refusals itself, by `send` and `close`. Whatever it raises is logged, and
                closes the socket with 1011. It must not block.

        Raises:
            HTTPException: The request is no WebSocket upgrade.
        """
        try:
            await self._response.prepare(self._request)
        except ConnectionError:
            return self._ended(EndKind.LOST, NO_CLOSE_FRAME)
        self._on_body = on_body
        writer = asyncio.create_task(self._outlet.run(), name="twilio signaling writer")
        try:
            self._arm()
            await self._read()
        finally:
            self._core.closed()
            self._on_body = None
            if self._timer is not None:
                self._timer.cancel()
            await self._outlet.drain(writer)
        return self._end or self._ended(EndKind.LOST, NO_CLOSE_FRAME)

    def send(self, body: Mapping[str, Any]) -> None:
        """Say something to the client; never waits.

        Args:
            body: An RSP or ICE message, of JSON values. Before the welcome it is kept; after a
                close, from either side, it is dropped.
        """
        self._perform(self._core.send(body, now=self._loop.time()))

    def close(self, code: int = CloseCode.OK, reason: str = "") -> None:
        """End the WebSocket after what was sent; never waits; once begun it stays as it is.

        Args:
            code: 1000 tells the client that its room is over, without an error; after any other it
                tries to go on with its session on another socket.
            reason: For people.
        """
        self._close(EndKind.SERVER_CLOSED, code, reason)

    # ------------------------------------------------------------ reading

    async def _read(self) -> None:
        while True:
            message = await self._response.receive()
            match message.type:
                case WSMsgType.TEXT:
                    self._perform(self._core.receive(message.data, now=self._loop.time()))
                case WSMsgType.BINARY:
                    code = CloseCode.UNSUPPORTED_DATA
                    self._close(EndKind.VIOLATION, code, "Messages are text.")
                case WSMsgType.CLOSE:
                    return self._closed_by_client(message)
                case WSMsgType.ERROR:
                    return self._closed_by_error(message.data)
                case _:
                    return None

    def _closed_by_client(self, message: WSMessage) -> None:
        was_refused = self._core.state is TcmpState.REFUSED
        kind = EndKind.REFUSED if was_refused else EndKind.CLIENT_CLOSED
        # A close frame without a code is read as 0; it is answered in kind as far as can be.
        code = int(message.data) or NO_CODE
        answer = CloseCode.OK if code == NO_CODE else code
        self._note(self._ended(kind, code, message.extra or ""))
        self._core.closed()
        self._outlet.close(answer, "")

    def _closed_by_error(self, error: object) -> None:
        """The frames made no sense, or the connection broke; aiohttp has closed it."""
        if isinstance(error, WebSocketError):
            self._note(self._ended(EndKind.VIOLATION, error.code, str(error)))

    # ------------------------------------------------------------ performing

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Greet(hello=hello):
                    self._greet(hello)
                case Send(text=text):
                    self._outlet.send(text)
                case Deliver(body=body):
                    self._deliver(body)
                case Close(code=code, reason=reason):
                    self._close(_kind(code), code, reason)
        if self._outlet.is_overrun:
            self._note(self._ended(EndKind.SLOW_READER, CloseCode.SLOW_READER))
            self._core.closed()
        self._arm()

    def _greet(self, hello: Hello) -> None:
        try:
            busy = self._admit(hello)
        except Exception:
            self._fail()
            return
        now = self._loop.time()
        if busy is None:
            self._perform(self._core.welcome(now=now))
        else:
            self._perform(self._core.busy(busy, now=now))

    def _deliver(self, body: dict[str, Any]) -> None:
        if self._on_body is None or self._end is not None:
            return
        try:
            self._on_body(body)
        except Exception:
            self._fail()

    def _fail(self) -> None:
        _log.exception("a signaling message could not be handled")
        code = CloseCode.INTERNAL_ERROR
        self._close(EndKind.FAILED, code, "The server failed to handle a message.")

    def _close(self, kind: EndKind, code: int, reason: str) -> None:
        self._note(self._ended(kind, code, reason))
        self._core.closed()
        self._outlet.close(code, reason)

    def _ended(self, kind: EndKind, code: int, reason: str = "") -> SocketEnd:
        is_normal = kind is EndKind.CLIENT_CLOSED and code == CloseCode.OK
        return SocketEnd(kind, code, reason, self._core.has_said_bye or is_normal)

    def _note(self, end: SocketEnd) -> None:
        """The first to end the socket says how it ended."""
        if self._end is None:
            self._end = end

    # ------------------------------------------------------------ time

    def _arm(self) -> None:
        """Let the timer go off in time; one that is too early costs less than setting it anew."""
        due = self._core.next_deadline
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._perform(self._core.tick(now=self._loop.time()))


def _kind(code: CloseCode) -> EndKind:
    match code:
        case CloseCode.BEATS_LOST:
            return EndKind.BEATS_LOST
        case CloseCode.TRY_AGAIN_LATER:
            return EndKind.REFUSED
        case CloseCode.OK:
            return EndKind.CLIENT_CLOSED
        case _:
            return EndKind.VIOLATION
