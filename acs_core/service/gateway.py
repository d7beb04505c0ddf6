"""The native WebSocket endpoint: `wire.py` messages in, methods of calls and media out.

Per WebSocket there is one reading handler (aiohttp's) and one writing task; per session one timer
while no WebSocket carries it. The gateway owns them all and ends them in `close`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from msgspec.structs import replace

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import EndReason
from acs_core.errors import (
    AuthenticationError,
    CallingError,
    InvalidArgumentError,
    ProtocolError,
    ServiceError,
    Stage,
)
from acs_core.service.call_services import CallServices
from acs_core.service.calls import Calls
from acs_core.service.identity import (
    Principal,
    PrincipalKind,
    TokenVerifier,
    check_not_expired,
    verify_token,
)
from acs_core.service.lobby import Guest, Lobby
from acs_core.service.native import NativeEndpoint, check_endpoint_id
from acs_core.service.outlet import SocketOutlet
from acs_core.service.sessions import AgentSession, SessionTimes
from acs_core.service.sfu.engine import SfuEngine

__all__ = ["NativeGateway"]

_log = logging.getLogger(__name__)


class NativeGateway:
    """Serves `/calls/ws`."""

    def __init__(
        self,
        *,
        calls: Calls,
        services: CallServices,
        engine: SfuEngine,
        verifiers: tuple[TokenVerifier, ...],
        times: SessionTimes,
        ice_servers: Callable[[Principal], tuple[wire.IceServer, ...]],
        token_skew: float,
    ) -> None:
        self._calls = calls
        self._services = services
        self._engine = engine
        self._verifiers = verifiers
        self._times = times
        self._ice_servers = ice_servers
        self._token_skew = token_skew
        self._sessions: dict[str, _Session] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._is_draining = False

    @property
    def session_count(self) -> int:
        """How many agents are here, those that may come back included."""
        return len(self._sessions)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One WebSocket from hello to close."""
        socket = web.WebSocketResponse(
            max_msg_size=wire.MESSAGE_LIMIT, compress=False, autoping=True, timeout=2.0
        )
        try:
            await socket.prepare(request)
        except ConnectionError:
            return web.Response(status=400)  # The client vanished, and nobody reads this.
        # What is unconfirmed is bounded already; signs of life are not part of that.
        outlet = SocketOutlet(socket, request, limit=2 * self._times.buffer_limit)
        writer = asyncio.create_task(outlet.run(), name="signaling writer")
        try:
            session = await self._greet(socket, outlet)
            if session is not None:
                try:
                    await self._read(socket, session, outlet)
                finally:
                    is_goodbye = socket.close_code == WSCloseCode.OK
                    self._detached(session, outlet, is_goodbye=is_goodbye)
        finally:
            await outlet.drain(writer)
        return socket

    async def close(self) -> None:
        """End every session and WebSocket, within 2 s."""
        self._is_draining = True
        for session in list(self._sessions.values()):
            session.end(
                endings.SERVICE_STOPPED, wire.CloseCode.DRAINING, "The service is stopping."
            )
        if self._closing:
            await asyncio.wait(self._closing, timeout=2.0)

    # ------------------------------------------------------------ hello

    async def _greet(self, socket: web.WebSocketResponse, outlet: SocketOutlet) -> _Session | None:
        try:
            async with asyncio.timeout(self._times.hello):
                message = await socket.receive()
        except TimeoutError:
            outlet.close(wire.CloseCode.HELLO_TIMEOUT, "No hello in time.")
            return None
        if message.type is not WSMsgType.TEXT:
            outlet.close(wire.CloseCode.MALFORMED, "The first message must be a hello.")
            return None
        try:
            return self._admit(message.data, outlet)
        except CallingError as error:
            outlet.send(wire.encode(_failed(error)))
            outlet.close(_close_code(error), "The hello was refused.")
            return None

    def _admit(self, text: str, outlet: SocketOutlet) -> _Session:
        hello = wire.decode_client(text, limit=wire.HELLO_LIMIT)
        if not isinstance(hello, wire.Hello):
            raise ProtocolError("The first message must be a hello.", stage=Stage.SIGNALING)
        if hello.version != wire.PROTOCOL_VERSION:
            raise ProtocolError(
                f"Protocol version {hello.version} is not spoken here.",
                stage=Stage.SIGNALING,
                next_step=f"Use a client that speaks version {wire.PROTOCOL_VERSION}.",
            )
        if self._is_draining:
            raise ProtocolError("The service is stopping.", code=503, stage=Stage.SIGNALING)
        principal = verify_token(hello.token, self._verifiers, now=time.time())
        session = self._resume(hello.resume, principal) if hello.resume else self._open(principal)
        session.cancel_window()
        session.state.attach(
            outlet,
            heartbeat=self._times.heartbeat,
            received=hello.resume.received if hello.resume else None,
        )
        session.set_reachable(is_reachable=True)
        return session

    def _open(self, principal: Principal) -> _Session:
        window = (
            self._times.twilio_window
            if principal.kind is PrincipalKind.TWILIO
            else self._times.acs_window
        )
        held = sum(
            session.state.principal.raw_id == principal.raw_id
            for session in self._sessions.values()
        )
        if held >= self._times.sessions:
            raise ServiceError(
                f"The user has {held} sessions, the maximum.",
                code=429,
                stage=Stage.SIGNALING,
                next_step="Close call agents that are no longer needed.",
            )
        state = AgentSession(principal, window=window, buffer_limit=self._times.buffer_limit)
        session = _Session(state, self._forget)
        self._sessions[state.id] = session
        # Twilio's participants know of no calls but the room that they are in.
        if principal.kind is PrincipalKind.ACS:
            self._calls.switchboard.add_line(session)
        return session

    def _resume(self, resume: wire.Resume, principal: Principal) -> _Session:
        session = self._sessions.get(resume.session)
        if session is None:
            raise ProtocolError(
                "The session is gone.",
                code=410,
                stage=Stage.SIGNALING,
                next_step="Join the call again.",
            )
        session.state.check_resume(resume, principal)
        session.state.renew(principal)
        return session

    # ------------------------------------------------------------ conversation

    async def _read(
        self, socket: web.WebSocketResponse, session: _Session, outlet: SocketOutlet
    ) -> None:
        loop = asyncio.get_running_loop()
        window_started, count = loop.time(), 0
        while True:
            try:
                async with asyncio.timeout(3 * self._times.heartbeat):
                    message = await socket.receive()
            except TimeoutError:
                return
            if session.is_over:
                return
            if message.type is not WSMsgType.TEXT:
                if message.type is WSMsgType.BINARY:
                    outlet.close(wire.CloseCode.MALFORMED, "Messages are text.")
                return
            if loop.time() - window_started > 1.0:
                window_started, count = loop.time(), 0
            # Size counts too, reading a large message takes long; one of `MESSAGE_LIMIT` passes.
            count += 1 + (len(message.data) >> 13)
            if count > self._times.messages_per_second:
                outlet.close(wire.CloseCode.TOO_FAST, "Too many messages.")
                return
            try:
                self._handle(session, wire.decode_client(message.data))
            except ProtocolError as error:
                outlet.close(_close_code(error), error.message)
                return

    def _handle(self, session: _Session, message: wire.ClientMessage) -> None:
        match message:
            case wire.Ping(received=received):
                session.state.confirm(received)
                session.state.pong()
            case wire.Hello():
                raise ProtocolError("Only the first message is a hello.", stage=Stage.SIGNALING)
            case wire.Request() as request:
                if session.state.begin(request):
                    session.state.deliver(self._answer(session, request.body), reply_to=request.id)

    def _answer(self, session: _Session, body: wire.RequestBody) -> wire.DeliveryBody:
        try:
            if isinstance(body, wire.Join):
                return self._join(session, body)
            if isinstance(body, wire.ReplyToInvitation):
                self._calls.switchboard.reply(session.state.principal, body)
                return wire.Answered()
            if isinstance(body, wire.SubmitSurvey):
                self._services.surveys.submit(session.state.principal, body)
                return wire.Answered()
            endpoint = session.endpoints.get(body.endpoint)
            if isinstance(body, wire.Leave) and session.leave_lobby(body.endpoint):
                return wire.Answered()
            if endpoint is None:
                raise ProtocolError(
                    f"Endpoint {body.endpoint} is not in a call.", code=404, stage=Stage.SIGNALING
                )
            return endpoint.handle(body)
        except CallingError as error:
            return _failed(error)
        except Exception:
            _log.exception("a %s request failed", type(body).__name__)
            return wire.Failed(
                code=500,
                message="The service failed to handle the request.",
                stage=Stage.SIGNALING,
                next_step="See the service's log.",
            )

    def _join(self, session: _Session, body: wire.Join) -> wire.Joined | wire.InLobby:
        principal = session.state.principal
        if body.endpoint in session.endpoints:
            raise _taken(body.endpoint)
        check_endpoint_id(body.endpoint)
        _check_invitation(body)
        check_not_expired(principal, now=time.time(), skew=self._token_skew)
        held = session.endpoints.keys() | session.lobbies.keys()
        if len(held - {body.endpoint}) >= self._times.endpoints:
            raise ServiceError(
                f"The session is in {len(held)} calls, the maximum.",
                code=429,
                stage=Stage.ADMISSION,
                next_step="Leave a call first, or join with another call agent.",
            )
        call = self._calls.resolve(body.locator, principal)
        # Else the lobby where it waits would keep it, and nobody would end that.
        if session.lobbies.get(body.endpoint, call.lobby) is not call.lobby:
            self._calls.discard_if_empty(call)
            raise _taken(body.endpoint)
        is_called = isinstance(body.locator, wire.InvitationLocator)
        if call.lobby is not None and not is_called:
            must_wait = call.lobby.must_wait(body.endpoint, principal.raw_id)
            if must_wait or call.lobby.waits_elsewhere(body.endpoint, session):
                try:
                    session.wait_in(call.lobby, body)
                finally:
                    self._calls.discard_if_empty(call)
            if must_wait:
                return wire.InLobby()
        endpoint = NativeEndpoint(
            self._engine, self._services, session.state.deliver, self._finish(session)
        )
        try:
            joined = endpoint.join(call, principal, body)
        except BaseException:
            endpoint.abandon()
            self._calls.discard_if_empty(call)
            raise
        session.lobbies.pop(body.endpoint, None)
        session.endpoints[body.endpoint] = endpoint
        return replace(joined, ice_servers=self._ice_servers(principal))

    # ------------------------------------------------------------ endings

    def _finish(self, session: _Session) -> Callable[[NativeEndpoint], None]:
        def finish(endpoint: NativeEndpoint) -> None:
            session.endpoints.pop(endpoint.id, None)
            self._own(endpoint.close(), "endpoint close")

        return finish

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _detached(self, session: _Session, outlet: SocketOutlet, *, is_goodbye: bool) -> None:
        if not session.state.detach(outlet):
            return
        gone = wire.CloseCode.SESSION_GONE
        if session.state.is_overrun or is_goodbye or self._is_draining:
            ending = endings.HUNG_UP if is_goodbye else endings.LINK_LOST
            session.end(ending, gone, "The session ended.")
            return
        session.set_reachable(is_reachable=False)
        session.start_window(
            lambda: session.end(endings.LINK_LOST, gone, "The session window passed.")
        )

    def _forget(self, session: _Session) -> None:
        self._sessions.pop(session.state.id, None)
        self._calls.switchboard.remove_line(session)


class _Session:
    """An `AgentSession`, its endpoints and its window timer; a `Line` that can ring."""

    def __init__(self, state: AgentSession, on_end: Callable[[_Session], None]) -> None:
        self.state = state
        self.endpoints: dict[str, NativeEndpoint] = {}
        self.lobbies: dict[str, Lobby] = {}
        self.is_over = False
        self._on_end = on_end
        self._timer: asyncio.TimerHandle | None = None

    @property
    def raw_id(self) -> str:
        """Whose session it is."""
        return self.state.principal.raw_id

    def deliver(self, body: wire.DeliveryBody) -> None:
        """Tell the client something, at once or when it resumes."""
        self.state.deliver(body)

    def start_window(self, expired: Callable[[], None]) -> None:
        self.cancel_window()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.state.window, expired)

    def cancel_window(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def set_reachable(self, *, is_reachable: bool) -> None:
        for endpoint in self.endpoints.values():
            endpoint.set_reachable(is_reachable=is_reachable)

    def wait_in(self, lobby: Lobby, body: wire.Join) -> None:
        """Let an endpoint of this session wait; it hears `Admitted` or `Ended`."""
        endpoint, principal = body.endpoint, self.state.principal

        def ended(reason: EndReason) -> None:
            self.lobbies.pop(endpoint, None)
            self.state.deliver(wire.Ended(endpoint=endpoint, reason=reason))

        lobby.enter(
            Guest(
                endpoint,
                principal.raw_id,
                body.name or principal.display_name,
                on_admitted=lambda: self.state.deliver(wire.Admitted(endpoint=endpoint)),
                on_ended=ended,
                holder=self,
            )
        )
        self.lobbies[endpoint] = lobby

    def leave_lobby(self, endpoint: str, ending: EndReason = endings.HUNG_UP) -> bool:
        """Wait no longer; False when the endpoint does not wait."""
        lobby = self.lobbies.pop(endpoint, None)
        if lobby is not None:
            lobby.leave(endpoint, ending)
        return lobby is not None

    def end(self, ending: EndReason, code: wire.CloseCode, reason: str) -> None:
        self.is_over = True
        self.cancel_window()
        for endpoint in list(self.endpoints.values()):
            endpoint.remove(ending)
        for waiting in list(self.lobbies):
            self.leave_lobby(waiting, ending)
        self.state.shut(code, reason)
        self._on_end(self)


def _taken(endpoint: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"Endpoint id {endpoint} is taken.", code=409, stage=Stage.ARGUMENT)


def _check_invitation(body: wire.Join) -> None:
    """Refuse a guest who comes under another id than the invitation's."""
    locator = body.locator
    if isinstance(locator, wire.InvitationLocator) and body.endpoint != locator.invitation:
        raise InvalidArgumentError(
            "The endpoint id of who accepts is the invitation.", stage=Stage.ARGUMENT
        )


def _failed(error: CallingError) -> wire.Failed:
    return wire.Failed(
        code=error.code,
        sub_code=error.sub_code,
        message=error.message,
        stage=error.stage,
        next_step=error.advice,
    )


def _close_code(error: CallingError) -> wire.CloseCode:
    if isinstance(error, AuthenticationError):
        return wire.CloseCode.UNAUTHORIZED
    codes = {
        410: wire.CloseCode.SESSION_GONE,
        413: wire.CloseCode.TOO_LARGE,
        429: wire.CloseCode.TOO_FAST,
        503: wire.CloseCode.DRAINING,
    }
    return codes.get(error.code, wire.CloseCode.MALFORMED)
