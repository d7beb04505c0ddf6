"""Takes the sockets of twilio-video.js, and keeps the sessions that they carry.

Per socket there is aiohttp's handler; per session one timer while no socket carries it. The gateway
owns them all and ends them in `close`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import CallingError, ProtocolError, ServiceError, Stage
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.identity import Principal, TokenVerifier
from acs_core.service.sfu.engine import SfuEngine
from acs_core.wire import IceServer
from twilio_compat.gateway.messages import (
    CLIENT_SENT_INVALID,
    Connect,
    Disconnect,
    IceRequest,
    Sync,
    Update,
    decode,
)
from twilio_compat.gateway.relayed_media import RelayedRoom
from twilio_compat.gateway.session import (
    RoomSession,
    SessionContext,
    error_body,
    farewell,
)
from twilio_compat.gateway.socket import SignalingSocket
from twilio_compat.gateway.tcmp import Busy, CloseCode, Hello, TcmpTimes

__all__ = ["GatewaySettings", "TwilioGateway"]

_log = logging.getLogger("twilio_compat.gateway")

SIGNALING_LOST: Final = 53001
HOME_REGION: Final = "us1"
FLOOD: Final = 2
"""Times the sockets that are welcome; more are not even asked to wait."""
TOO_LATE: Final = 1008
"""RFC 6455 section 7.4.1: a policy was violated."""
SERVER_BUSY: Final = 53006
_SIGNALING_HOST: Final = re.compile(r"(?P<label>[^.]+)\.vss\.", re.IGNORECASE)
NEAREST: Final = frozenset({"global", "gll"})
"""The labels that leave the choice of a region to the service."""
REGIONS: Final = frozenset({"au1", "br1", "de1", "ie1", "in1", "jp1", "sg1", "us1", "us2"})
"""Labels of Twilio's signaling hosts. Source: Twilio's page on signaling regions."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Deadlines and limits of the gateway.

    Attributes:
        window: Seconds for which a participant without socket is kept (Twilio: 30).
        greeting: Seconds for a socket to bring a good token; afterwards it is closed.
        admission: Seconds for a socket to enter a room then.
        farewell: Seconds for a client to close its socket after its session ended.
        sockets: So many at a time; whoever comes then is asked to wait.
        retry_after: Seconds that it is asked to wait.
        sessions: Sessions that one user may have at a time, lost ones included.
        audio_processors: Noise cancellation vendors that clients may use, for instance ``krisp``.
        times: Of the framing.
    """

    window: float = 30.0
    greeting: float = 10.0
    admission: float = 60.0
    farewell: float = 5.0
    sockets: int = 2000
    retry_after: float = 2.0
    sessions: int = 64
    audio_processors: tuple[str, ...] = ()
    times: TcmpTimes = field(default_factory=TcmpTimes)


class TwilioGateway:
    """Serves `/signaling`."""

    def __init__(
        self,
        *,
        calls: Calls,
        engine: SfuEngine,
        verifier: TokenVerifier,
        ice_servers: Callable[[Principal], Iterable[IceServer]],
        settings: GatewaySettings | None = None,
    ) -> None:
        self._calls = calls
        self._verifier = verifier
        self._ice_servers = ice_servers
        self._settings = settings or GatewaySettings()
        self._context = SessionContext(
            calls=calls,
            engine=engine,
            window=self._settings.window,
            audio_processors=self._settings.audio_processors,
            on_over=self._forget,
            relayed_room=self._relayed_room,
        )
        self._relayed: weakref.WeakKeyDictionary[ServerCall, RelayedRoom] = (
            weakref.WeakKeyDictionary()
        )
        self._sessions: dict[str, RoomSession] = {}
        self._clients: dict[SignalingSocket, _Client] = {}
        self._ended: OrderedDict[str, _Ended] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self._is_draining = False

    @property
    def sessions(self) -> int:
        """Participants here, lost ones in their window included."""
        return len(self._sessions)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One socket from upgrade to close."""
        region = _region(request.host)
        is_flooded = len(self._clients) >= FLOOD * self._settings.sockets
        if self._is_draining or is_flooded:
            raise web.HTTPServiceUnavailable(text="The service is stopping, or too busy.")
        socket = SignalingSocket(request, times=self._settings.times, admit=self._admit)
        client = self._clients[socket] = _Client(self, socket, region, self._settings)
        is_goodbye = False
        try:
            is_goodbye = (await socket.run(client.take)).is_goodbye
        finally:
            del self._clients[socket]
            client.gone(is_goodbye=is_goodbye)
        # A client that vanished during the upgrade has nothing to end; nobody reads this.
        return socket.response if socket.response.prepared else web.Response(status=400)

    async def close(self) -> None:
        """End every session and socket, within 2 s."""
        self._is_draining = True
        for session in list(self._sessions.values()):
            session.on_ended(endings.SERVICE_STOPPED)
            session.remove(endings.SERVICE_STOPPED)
        for socket in list(self._clients):
            socket.close(1001, "The service is stopping.")
        if self._closing:
            await asyncio.wait(self._closing, timeout=2.0)

    def _admit(self, hello: Hello) -> Busy | None:
        if len(self._clients) <= self._settings.sockets:
            return None
        return Busy(retry_after_ms=round(1000 * self._settings.retry_after))

    # ------------------------------------------------------------ used by the clients

    def verify(self, token: str) -> Principal:
        """Who a token is about.

        Raises:
            AuthenticationError: With one of Twilio's codes, 20101 to 20107.
        """
        return self._verifier.verify(token, now=time.time())

    def iced(self, message: IceRequest) -> dict[str, Any]:
        """The answer to a request for STUN and TURN servers.

        Raises:
            AuthenticationError: The token is not good.
        """
        principal = self.verify(message.token)
        servers = [
            {"urls": list(item.urls), "username": item.username, "credential": item.credential}
            for item in self._ice_servers(principal)
        ]
        return {"type": "iced", "version": 1, "ice_servers": servers}

    def connect(self, message: Connect, socket: SignalingSocket, region: str) -> RoomSession:
        """Let a participant in.

        Raises:
            CallingError: Its token is not good, or the room refuses.
        """
        principal = self.verify(message.token)
        mine = sum(item.principal.raw_id == principal.raw_id for item in self._sessions.values())
        if mine >= self._settings.sessions:
            raise ServiceError(
                "The identity has too many sessions.", sub_code=SERVER_BUSY, stage=Stage.SIGNALING
            )
        session = RoomSession(self._context, principal, region)
        self._sessions[session.id] = session
        try:
            session.connect(message, socket)
        except BaseException:
            self._sessions.pop(session.id, None)
            raise
        return session

    def find(self, message: Sync) -> RoomSession | EndReason:
        """The session that a client wants to go on with, or why it ended meanwhile.

        Raises:
            CallingError: Its token is not good, or nothing is known of such a session.
        """
        principal = self.verify(message.token)
        session = self._sessions.get(message.session)
        if session is not None and session.principal.raw_id == principal.raw_id:
            session.principal = principal
            return session
        ended = self._ended.get(message.session)
        if ended is not None and ended.raw_id == principal.raw_id:
            return ended.reason
        raise ServiceError(
            "The session has ended.",
            code=410,
            sub_code=SIGNALING_LOST,
            stage=Stage.SIGNALING,
            next_step="Connect again.",
        )

    def _relayed_room(self, call: ServerCall) -> RelayedRoom:
        return self._relayed.setdefault(call, RelayedRoom())

    def _forget(self, session: RoomSession) -> None:
        self._sessions.pop(session.id, None)
        now = asyncio.get_running_loop().time()
        while self._ended and next(iter(self._ended.values())).forgotten_at < now:
            self._ended.popitem(last=False)
        if session.ending is not None:
            self._ended[session.id] = _Ended(
                session.principal.raw_id, session.ending, now + self._settings.window
            )
        for socket, client in self._clients.items():
            if socket is session.outlet:
                client.await_goodbye()
        task = asyncio.create_task(session.close(), name="participant close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


@dataclass(frozen=True, slots=True)
class _Ended:
    """A session that is over, for a client that does not know it yet."""

    raw_id: str
    reason: EndReason
    forgotten_at: float


def _region(host: str) -> str:
    """The signaling region that a client asked for by the host's name; ours if by another."""
    found = _SIGNALING_HOST.match(host)
    label = HOME_REGION if found is None else found["label"].lower()
    if label in NEAREST:
        return HOME_REGION
    if label not in REGIONS:
        raise web.HTTPNotFound(text=f"There is no signaling region {label!r}.")
    return label


class _Client:
    """What one socket is used for: asking for ICE servers, then one session.

    It has one deadline at a time: for a good token, then for a room, and for the client's goodbye
    when its session is over.
    """

    def __init__(
        self,
        gateway: TwilioGateway,
        socket: SignalingSocket,
        region: str,
        settings: GatewaySettings,
    ) -> None:
        self._gateway = gateway
        self._region = region
        self._socket = socket
        self._settings = settings
        self._session: RoomSession | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._close_in(settings.greeting, TOO_LATE, "No good token came in time.")

    def take(self, body: dict[str, Any]) -> None:
        """Handle one message; whatever is wrong with it is said to the client."""
        try:
            self._dispatch(body)
        except CallingError as error:
            _log.info("a client is refused: %s", error)
            if self._session is not None:
                self._session.fail(error)
            else:
                self._socket.send(error_body(error))
            self.await_goodbye()

    def gone(self, *, is_goodbye: bool) -> None:
        """The socket ended, on purpose or not."""
        self._stop_deadline()
        if is_goodbye:
            self._leave()
        elif self._session is not None:
            self._session.detached(self._socket)

    def await_goodbye(self) -> None:
        """The session is over: close the socket, unless the client does it first."""
        self._close_in(self._settings.farewell, CloseCode.OK, "The session is over.")

    def _dispatch(self, body: dict[str, Any]) -> None:
        message = decode(body)
        match message:
            case IceRequest():
                self._socket.send(self._gateway.iced(message))
                if self._session is None:
                    self._close_in(self._settings.admission, TOO_LATE, "No room was entered.")
            case Connect():
                self._require_none()
                self._session = self._gateway.connect(message, self._socket, self._region)
                self._stop_deadline()
            case Sync():
                self._require_none()
                self._go_on(message)
            case Update() if self._session is not None and not self._session.is_over:
                self._session.update(message)
            case Disconnect():
                # Also said by a client that was refused, or told that it is out.
                self._leave()
                self.await_goodbye()
            case _:
                _log.debug("a message of type %r means nothing now", body.get("type"))

    def _go_on(self, message: Sync) -> None:
        found = self._gateway.find(message)
        if isinstance(found, EndReason):
            self._socket.send(farewell(found))
            self.await_goodbye()
            return
        # First: whatever becomes of it, the session is this socket's to end.
        self._session = found
        self._stop_deadline()
        found.sync(message, self._socket)

    def _leave(self) -> None:
        if self._session is not None and not self._session.is_over:
            self._session.leave()

    def _require_none(self) -> None:
        if self._session is not None:
            raise ProtocolError(
                "This socket carries a session already.",
                sub_code=CLIENT_SENT_INVALID,
                stage=Stage.SIGNALING,
            )

    def _close_in(self, seconds: float, code: int, reason: str) -> None:
        self._stop_deadline()
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(seconds, self._socket.close, code, reason)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
