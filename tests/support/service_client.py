"""Two clients of a real service: one that speaks raw messages, one that is a real session."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from acs_core import wire
from acs_core.client.session import (
    CallSession,
    LocalStream,
    NewStream,
    RosterChange,
    SessionOptions,
    SessionState,
)
from acs_core.client.signaling import SignalingConnection, SignalingTimes
from acs_core.core.facts import EndReason, Fact
from acs_core.errors import CallingError
from acs_core.service.app import CallingService

__all__ = [
    "Participant",
    "RawClient",
    "SessionRoute",
    "group",
    "new_id",
    "participant",
    "raw_client",
]

DEADLINE = 10.0

_Body = TypeVar("_Body")


def new_id() -> str:
    return uuid.uuid4().hex


def group() -> wire.GroupLocator:
    return wire.GroupLocator(group_id=str(uuid.uuid4()))


class RawClient:
    """A WebSocket to the service, and what was said on it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token
        self.welcome: wire.Welcome | None = None
        self.deliveries: list[wire.Delivery] = []
        self._next_id = 1

    async def hello(self, *, token: str | None = None, resume: wire.Resume | None = None) -> Any:
        await self.say(
            wire.Hello(
                version=wire.PROTOCOL_VERSION,
                token=self.token if token is None else token,
                resume=resume,
            )
        )
        answer = await self.hear()
        if isinstance(answer, wire.Welcome):
            self.welcome = answer
        return answer

    def resume_point(self, received: int | None = None) -> wire.Resume:
        assert self.welcome is not None
        last = max((item.seq for item in self.deliveries), default=0)
        return wire.Resume(
            session=self.welcome.session,
            secret=self.welcome.secret,
            received=last if received is None else received,
        )

    async def say(self, message: wire.ClientMessage) -> None:
        await self.socket.send_str(wire.encode(message))

    async def hear(self) -> wire.ServiceMessage:
        message = await self.socket.receive(DEADLINE)
        assert message.type is aiohttp.WSMsgType.TEXT, (message, self.socket.close_code)
        decoded = wire.decode_service(message.data)
        if isinstance(decoded, wire.Delivery):
            self.deliveries.append(decoded)
        return decoded

    async def hear_close(self) -> int:
        """Read to the end; the close code."""
        async with asyncio.timeout(DEADLINE):
            while True:
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    decoded = wire.decode_service(message.data)
                    if isinstance(decoded, wire.Delivery):
                        self.deliveries.append(decoded)
                    continue
                return self.socket.close_code or 0

    async def ask(self, body: wire.RequestBody, *, request_id: int | None = None) -> Any:
        number = self._next_id if request_id is None else request_id
        self._next_id = max(self._next_id, number + 1)
        await self.say(wire.Request(id=number, body=body))
        while True:
            message = await self.hear()
            if isinstance(message, wire.Delivery) and message.reply_to == number:
                return message.body

    async def news(
        self, kind: type[_Body], accepts: Callable[[_Body], bool] | None = None
    ) -> _Body:
        """The next delivery of a kind."""
        while True:
            message = await self.hear()
            body = message.body if isinstance(message, wire.Delivery) else None
            if isinstance(body, kind) and (accepts is None or accepts(body)):
                return body

    @property
    def facts(self) -> list[Fact]:
        bodies = [item.body for item in self.deliveries]
        return [fact for body in bodies if isinstance(body, wire.Facts) for fact in body.facts]

    async def join(self, place: wire.Locator, **options: Any) -> tuple[str, Any]:
        endpoint = options.pop("endpoint", None) or new_id()
        return endpoint, await self.ask(wire.Join(endpoint=endpoint, locator=place, **options))

    def cut(self) -> None:
        """Lose the TCP connection without a goodbye."""
        connection = self.socket._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()


@asynccontextmanager
async def raw_client(
    service: CallingService, *, token: str | None = None, url: str = ""
) -> AsyncIterator[RawClient]:
    """A WebSocket that has not said hello yet."""
    issued = service.issue_user_token()[1].token if token is None else token
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(
            (url or service.url) + "/calls/ws",
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            max_msg_size=1 << 24,
        ) as socket,
    ):
        yield RawClient(socket, issued)


class SessionRoute:
    """Takes what a connection of its own says to the one session on it; set `session`."""

    session: CallSession

    def on_delivery(self, body: wire.DeliveryBody) -> None:
        self.session.delivered(body)

    def on_opened(self) -> None:
        """Whoever opens the connection knows it."""

    def on_lost(self, error: CallingError) -> None:
        self.session.signaling_lost(error)

    def on_resumed(self) -> None:
        self.session.signaling_resumed()

    def on_closed(self, error: CallingError) -> None:
        self.session.signaling_closed(error)


class Participant(SessionRoute):
    """A session and its signaling connection; writes down what it is told."""

    def __init__(
        self,
        url: str,
        token: str,
        place: wire.Locator,
        *,
        receive: wire.ReceivePolicy | None = None,
        options: SessionOptions | None = None,
        times: SignalingTimes | None = None,
        name: str = "",
        endpoint_id: str = "",
    ) -> None:
        async def give_token() -> str:
            return token

        self.states: list[SessionState] = []
        self.errors: list[CallingError] = []
        self.facts: list[Fact] = []
        self.subscribed: list[str] = []
        self.unsubscribed: list[str] = []
        self.forwardings: list[wire.Forwarding] = []
        self.messages: list[str | bytes] = []
        self.ended: list[EndReason] = []
        self.connection = SignalingConnection(url, give_token, self, times=times)
        self.session = CallSession(
            self.connection,
            self,
            endpoint_id=endpoint_id or new_id(),
            locator=place,
            name=name,
            receive=receive,
            options=options,
        )
        self._wake = asyncio.Event()

    async def join(self, streams: Sequence[NewStream] = ()) -> tuple[LocalStream, ...]:
        await self.connection.open()
        return await self.session.join(streams)

    async def close(self) -> None:
        await self.session.leave()
        await self.connection.close()

    async def until(self, condition: Callable[[], Any], *, deadline: float = DEADLINE) -> None:
        """Wait for something that this participant hears of."""
        async with asyncio.timeout(deadline):
            while not condition():
                self._wake.clear()
                await self._wake.wait()

    # SessionObserver

    def on_state(self, state: SessionState, error: CallingError | None) -> None:
        self.states.append(state)
        if error is not None:
            self.errors.append(error)
        self._wake.set()

    def on_facts(self, changes: tuple[RosterChange, ...]) -> None:
        self.facts += [change.fact for change in changes]
        self._wake.set()

    def on_subscribed(self, publication: str) -> None:
        self.subscribed.append(publication)
        self._wake.set()

    def on_unsubscribed(self, publication: str) -> None:
        self.unsubscribed.append(publication)
        self._wake.set()

    def on_data(self, publication: str, payload: str | bytes) -> None:
        self.messages.append(payload)
        self._wake.set()

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        self._wake.set()

    def on_forwarding(self, changes: tuple[wire.Forwarding, ...]) -> None:
        self.forwardings += changes
        self._wake.set()

    def on_notice(self, notice: wire.Notice) -> None:
        """What others ask of this client is passed over."""

    def on_ended(self, reason: EndReason) -> None:
        self.ended.append(reason)
        self._wake.set()


@asynccontextmanager
async def participant(
    service: CallingService,
    place: wire.Locator,
    streams: Sequence[NewStream] = (),
    *,
    url: str = "",
    **options: Any,
) -> AsyncIterator[Participant]:
    """Somebody who has joined, and leaves at the end."""
    token = service.issue_user_token()[1].token
    someone = Participant(url or service.url, token, place, **options)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(someone.close)
        await someone.join(streams)
        yield someone
