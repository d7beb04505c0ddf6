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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from acs_core.core import endings
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
from twilio_compat.gateway.session import RoomSession, SessionContext, error_body
from twilio_compat.gateway.socket import SignalingSocket
from twilio_compat.gateway.tcmp import Busy, Hello, TcmpTimes

__all__ = ["GatewaySettings", "TwilioGateway"]

_log = logging.getLogger("twilio_compat.gateway")

SIGNALING_LOST: Final = 53001
HOME_REGION: Final = "us1"
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
        admission: Seconds for a socket to enter a room; afterwards it is closed.
        farewell: Seconds for a client to close its socket after its session ended.
        sockets: So many at a time; whoever comes then is asked to wait.
        retry_after: Seconds that it is asked to wait.
        sessions: Sessions that one user may have at a time, lost ones included.
        audio_processors: Noise cancellation vendors that clients may use, for instance ``krisp``.
        times: Of the framing.
    """

    window: float = 30.0
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
        self._sockets: set[SignalingSocket] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._is_draining = False

    @property
    def sessions(self) -> int:
        """Participants here, lost ones in their window included."""
        return len(self._sessions)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One socket from upgrade to close."""
        region = _region(request.host)
        if self._is_draining:
            raise web.HTTPServiceUnavailable(text="The service is stopping.")
        socket = SignalingSocket(request, times=self._settings.times, admit=self._admit)
        client = _Client(self, socket, region)
        self._sockets.add(socket)
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(self._settings.admission, client.give_up)
        is_goodbye = False
        try:
            is_goodbye = (await socket.run(client.take)).is_goodbye
        finally:
            deadline.cancel()
            self._sockets.discard(socket)
            client.gone(is_goodbye=is_goodbye)
        return socket.response

    async def close(self) -> None:
        """End every session and socket, within 2 s."""
        self._is_draining = True
        for session in list(self._sessions.values()):
            session.on_ended(endings.SERVICE_STOPPED)
            session.remove(endings.SERVICE_STOPPED)
        for socket in list(self._sockets):
            socket.close(1001, "The service is stopping.")
        if self._closing:
            await asyncio.wait(self._closing, timeout=2.0)

    def _admit(self, hello: Hello) -> Busy | None:
        if len(self._sockets) <= self._settings.sockets:
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

    def sync(self, message: Sync, socket: SignalingSocket) -> RoomSession:
        """Go on with a session.

        Raises:
            CallingError: Its token is not good, or there is no such session (any more).
        """
        principal = self.verify(message.token)
        session = self._sessions.get(message.session)
        if session is None or session.principal.raw_id != principal.raw_id:
            raise ServiceError(
                "The session has ended.",
                code=410,
                sub_code=SIGNALING_LOST,
                stage=Stage.SIGNALING,
                next_step="Connect again.",
            )
        session.principal = principal
        session.sync(message, socket)
        return session

    def end_soon(self, socket: SignalingSocket) -> None:
        """Close a socket whose session is over, unless the client does it first."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._settings.farewell, socket.close, 1000, "The session is over.")

    def _relayed_room(self, call: ServerCall) -> RelayedRoom:
        return self._relayed.setdefault(call, RelayedRoom())

    def _forget(self, session: RoomSession) -> None:
        self._sessions.pop(session.id, None)
        task = asyncio.create_task(session.close(), name="participant close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


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
    """What one socket is used for: asking for ICE servers, then one session."""

    def __init__(self, gateway: TwilioGateway, socket: SignalingSocket, region: str) -> None:
        self._gateway = gateway
        self._region = region
        self._socket = socket
        self._session: RoomSession | None = None

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
            self._gateway.end_soon(self._socket)

    def gone(self, *, is_goodbye: bool) -> None:
        """The socket ended, on purpose or not."""
        if is_goodbye:
            self._leave()
        elif self._session is not None:
            self._session.detached(self._socket)

    def give_up(self) -> None:
        """Nothing came of this socket in time."""
        if self._session is None:
            self._socket.close(1008, "No room was entered in time.")

    def _dispatch(self, body: dict[str, Any]) -> None:
        message = decode(body)
        session = self._session
        match message:
            case IceRequest():
                self._socket.send(self._gateway.iced(message))
            case Connect():
                self._require_none()
                self._session = self._gateway.connect(message, self._socket, self._region)
            case Sync():
                self._require_none()
                self._session = self._gateway.sync(message, self._socket)
            case Update() if session is not None and not session.is_over:
                session.update(message)
            case Disconnect():
                # Also said by a client that was refused, or told that it is out.
                self._leave()
                self._gateway.end_soon(self._socket)
            case _:
                _log.debug("a message of type %r means nothing now", body.get("type"))

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
