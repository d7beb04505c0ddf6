"""The WebSocket of a call agent: requests, deliveries, and coming back after a loss.

Theory of operation. One task reads, one pings; when the WebSocket is lost, the same task opens
another one with `core/reconnect.py`'s back-off and resumes the session. What was asked and not yet
answered is asked again; what the service said meanwhile arrives in order. If the session is gone
(window passed, service restarted) every request fails and the observer is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp

from acs_core import wire
from acs_core.client.contained import tell
from acs_core.client.handshake import abandon, check_request, error_from, shake_hands, websocket_url
from acs_core.core.reconnect import Backoff
from acs_core.errors import (
    CallingError,
    DeadlineError,
    InvalidStateError,
    ProtocolError,
    ServiceError,
    Stage,
    TransportError,
)

__all__ = ["SignalingConnection", "SignalingObserver", "SignalingTimes"]

_log = logging.getLogger(__name__)

CONFIRM_AFTER: Final = 128 * 1024
"""Characters received after which the service hears of it before the next ping is due; a session
in which too much is unconfirmed counts as one that does not read."""


@dataclass(frozen=True, slots=True)
class SignalingTimes:
    """Deadlines in seconds.

    Attributes:
        open: From the first try to `Welcome`.
        request: Until a request is answered.
        attempt: For one try to come back.
        probe: For a sign of life after `SignalingConnection.probe`.
    """

    open: float = 10.0
    request: float = 10.0
    attempt: float = 5.0
    probe: float = 3.0


class SignalingObserver(Protocol):
    """Who listens to a connection; called on the event loop, must not block."""

    def on_opened(self) -> None:
        """The session with the service has begun."""

    def on_delivery(self, body: wire.DeliveryBody) -> None:
        """The service said something that is not an answer."""

    def on_lost(self, error: CallingError) -> None:
        """The WebSocket was lost; the connection tries to come back."""

    def on_resumed(self) -> None:
        """The session goes on; nothing was missed."""

    def on_closed(self, error: CallingError) -> None:
        """The session is gone for good."""


@dataclass(slots=True)
class _Pending:
    request: wire.Request
    answer: asyncio.Future[wire.DeliveryBody]


class SignalingConnection:
    """One session with the service; `open`, use, `close`."""

    def __init__(
        self,
        url: str,
        token: Callable[[], Awaitable[str]],
        observer: SignalingObserver,
        *,
        times: SignalingTimes | None = None,
        proxy: str | None = None,
    ) -> None:
        self._proxy = proxy
        self._url = websocket_url(url)
        self._token = token
        self._observer = observer
        self._times = times or SignalingTimes()
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._welcome: wire.Welcome | None = None
        self._received = 0
        self._unconfirmed = 0
        self._confirm_now = asyncio.Event()
        self._silence: asyncio.Timeout | None = None
        self._next_id = 1
        self._pending: dict[int, _Pending] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self._opening = asyncio.Lock()

    @property
    def is_connected(self) -> bool:
        """Whether a WebSocket carries the session now."""
        return self._socket is not None and not self._socket.closed

    @property
    def is_closed(self) -> bool:
        """Whether the session is over, or being ended."""
        return self._is_closed

    @property
    def window(self) -> float:
        """Seconds for which the service keeps the session without a WebSocket."""
        return self._welcome.window if self._welcome else 0.0

    async def open(self) -> None:
        """Connect and introduce ourselves.

        Raises:
            TransportError: The service cannot be reached.
            AuthenticationError: It refuses the token.
            DeadlineError: It does not answer in time.
        """
        if self._http is not None:
            raise InvalidStateError("The connection was opened already.", stage=Stage.SIGNALING)
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        try:
            async with asyncio.timeout(self._times.open):
                await self._connect(None)
        except TimeoutError as error:
            await self.close()
            raise DeadlineError(
                f"{self._url} did not answer within {self._times.open:g} s.",
                stage=Stage.SIGNALING,
                next_step="Check the address and that the service runs.",
            ) from error
        except BaseException:
            await self.close()
            raise
        tell(self._observer.on_opened)
        self._task = asyncio.create_task(self._run(), name="signaling")

    async def ready(self) -> None:
        """Open the connection if that was not done; errors as `open`.

        Raises:
            TransportError: Also: somebody else tried to open it in vain, or it is over.
        """
        async with self._opening:
            if self._http is None:
                await self.open()
            elif self._is_closed:
                raise _over()

    async def request(
        self,
        body: wire.RequestBody,
        *,
        timeout: float | None = None,
        must_arrive: bool = False,
    ) -> wire.DeliveryBody:
        """Ask for something and return the answer; survives a lost WebSocket.

        Args:
            body: What to ask for.
            timeout: Seconds to wait for the answer, instead of the usual time.
            must_arrive: Go on asking after the time is over, for as long as the session lives.

        Raises:
            ServiceError: The service refuses; the code says why.
            DeadlineError: No answer in time.
            TransportError: The session is gone.
            InvalidArgumentError: 413: it is larger than the service reads; 400: something in it
                is of a wrong type.
        """
        if self._is_closed or self._welcome is None:
            raise _over()
        request = wire.Request(id=self._next_id, body=body)
        check_request(request)
        self._next_id += 1
        answer: asyncio.Future[wire.DeliveryBody] = asyncio.get_running_loop().create_future()
        self._pending[request.id] = _Pending(request, answer)
        try:
            async with asyncio.timeout(timeout or self._times.request):
                await self._send(request)
                reply = await answer
        except TimeoutError as error:
            raise DeadlineError(
                f"The service did not answer a {type(body).__name__} request in time.",
                stage=Stage.SIGNALING,
                next_step="Check the connection to the service.",
            ) from error
        finally:
            if not must_arrive:
                self._pending.pop(request.id, None)
        if isinstance(reply, wire.Failed):
            raise error_from(reply)
        return reply

    def probe(self) -> None:
        """Find out soon whether the WebSocket still works; without effect when it is lost.

        For when the same network lost something else: a WebSocket whose way is gone, or whose
        address, stays silent without an error (RFC 9293 section 3.8.3), and the service's
        heartbeat tells only after three intervals.
        """
        if self._silence is None:
            return
        soon = asyncio.get_running_loop().time() + self._times.probe
        planned = self._silence.when()
        if planned is not None and soon < planned:
            self._silence.reschedule(soon)
            self._confirm_now.set()  # A ping, which is answered.

    async def close(self) -> None:
        """Say goodbye and release everything, within 2 s. Closing again does nothing."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._release()

    async def _release(self) -> None:
        self._fail_pending(TransportError("Signaling is closed.", stage=Stage.SIGNALING))
        if self._socket is not None:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                await self._socket.close()
        if self._http is not None:
            await self._http.close()

    # ------------------------------------------------------------ connection

    async def _connect(self, resume: wire.Resume | None) -> None:
        assert self._http is not None
        self._socket, self._welcome = await shake_hands(
            self._http, self._url, self._token, resume, proxy=self._proxy
        )

    async def _run(self) -> None:
        try:
            await self._stay_connected()
            await self._release()
        except asyncio.CancelledError:
            # By `close`, or because the program ends without it: the service must hear a goodbye
            # rather than wait for us to come back.
            await self._release()
            raise

    async def _stay_connected(self) -> None:
        while True:
            lost = await self._converse()
            _log.debug("%s is lost: %s", self._url, lost.message)
            tell(self._observer.on_lost, lost)
            gone = await self._come_back()
            if gone is not None:
                _log.debug("%s does not come back: %s", self._url, gone.message)
                self._is_closed = True
                self._fail_pending(gone)
                tell(self._observer.on_closed, gone)
                return
            _log.debug("%s goes on", self._url)
            tell(self._observer.on_resumed)
            for pending in list(self._pending.values()):
                await self._send(pending.request)

    async def _converse(self) -> CallingError:
        """Read until the WebSocket is lost; say how."""
        assert self._socket is not None
        assert self._welcome is not None
        heartbeat = self._welcome.heartbeat
        pinging = asyncio.create_task(self._ping(heartbeat), name="signaling ping")
        try:
            while True:
                async with asyncio.timeout(3 * heartbeat) as self._silence:
                    message = await self._socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                self._count(len(message.data))
                self._take(wire.decode_service(message.data))
        except asyncio.CancelledError:
            self._is_closed = True
            raise
        except TimeoutError:
            await abandon(self._socket)
            return _lost("The service is silent.")
        except ProtocolError as error:
            await abandon(self._socket)
            return error
        finally:
            self._silence = None
            pinging.cancel()
            await asyncio.wait({pinging})
        return _lost(f"The signaling connection was lost ({self._socket.close_code}).")

    async def _come_back(self) -> CallingError | None:
        """Open another WebSocket within the window; None when the session goes on."""
        assert self._welcome is not None
        loop = asyncio.get_running_loop()
        backoff = Backoff(window=self._welcome.window)
        deadline = loop.time() + self._welcome.window
        error: CallingError
        while True:
            try:
                async with asyncio.timeout(self._times.attempt):
                    await self._connect(
                        wire.Resume(
                            session=self._welcome.session,
                            secret=self._welcome.secret,
                            received=self._received,
                        )
                    )
                return None
            except (ServiceError, ProtocolError) as refused:
                if refused.code != 503:
                    return refused
                error = refused
            except TransportError as failed:
                error = failed
            except CallingError as misused:
                # A credential that was disposed, for instance; waiting does not help.
                return misused
            except TimeoutError:
                error = DeadlineError("The service does not answer.", stage=Stage.SIGNALING)
            delay = backoff.next_delay(random.random())
            if loop.time() + delay > deadline:
                gone = TransportError(
                    f"Signaling was not restored within {self._welcome.window:g} s.",
                    sub_code=53001,
                    stage=Stage.SIGNALING,
                    next_step="Check the network, then join again.",
                )
                gone.__cause__ = error
                return gone
            await asyncio.sleep(delay)

    # ------------------------------------------------------------ messages

    def _take(self, message: wire.ServiceMessage) -> None:
        if not isinstance(message, wire.Delivery) or message.seq <= self._received:
            return
        self._received = message.seq
        if message.reply_to is None:
            tell(self._observer.on_delivery, message.body)
            return
        pending = self._pending.pop(message.reply_to, None)
        if pending is not None and not pending.answer.done():
            pending.answer.set_result(message.body)

    async def _send(self, message: wire.ClientMessage) -> None:
        """Write if there is a WebSocket; what is lost with it is sent again after the resume."""
        if self._socket is not None and not self._socket.closed:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                await self._socket.send_str(wire.encode(message))

    def _count(self, characters: int) -> None:
        self._unconfirmed += characters
        if self._unconfirmed > CONFIRM_AFTER:
            self._confirm_now.set()

    async def _ping(self, interval: float) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self._confirm_now.wait()
            self._confirm_now.clear()
            self._unconfirmed = 0
            await self._send(wire.Ping(received=self._received))

    def _fail_pending(self, error: CallingError) -> None:
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(error)


def _lost(message: str) -> TransportError:
    # Twilio reports a lost signaling connection as 53001.
    return TransportError(message, sub_code=53001, stage=Stage.SIGNALING)


def _over() -> TransportError:
    return TransportError(
        "The session with the service is over.",
        stage=Stage.SIGNALING,
        next_step="Wait until the call agent is connected again, or create another one.",
    )
