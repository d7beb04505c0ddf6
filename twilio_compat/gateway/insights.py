"""The Insights WebSocket, `/v1/VideoEvents`, and what an operator reads of it.

The SDK opens it beside signaling once it is in a room, and tells what it sees: states, candidates,
statistics, warnings. Twilio keeps that; so do we, in memory and bounded (`InsightsLimits`): for an
hour, without tokens, but with the network addresses that candidates name. A client whose Insights
fail carries on undisturbed, so every limit here may be strict.

Each WebSocket is owned by its handler; `close` ends them all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from acs_core.errors import AuthenticationError, CallingError, ProtocolError, ServiceError, Stage
from acs_core.service.identity import Principal, TokenVerifier, verify_token
from twilio_compat.gateway.insights_log import (
    MESSAGE_LIMIT,
    Connect,
    Event,
    InsightsLimits,
    InsightsLog,
    LoggedEvent,
    Source,
    StreamKey,
    decode,
)

__all__ = ["BATCH", "INSIGHTS_PATH", "VIDEO_EVENTS_PATH", "InsightsEndpoint", "InsightsTimes"]

_log = logging.getLogger(__name__)

VIDEO_EVENTS_PATH: Final = "/v1/VideoEvents"
"""Where the SDK looks for Insights."""
INSIGHTS_PATH: Final = "/insights/events"
"""Where operators read them; Twilio has no such resource."""
BATCH: Final = 500
"""Events in one answer to an operator."""
LONGEST_WAIT: Final = 30.0


@dataclass(frozen=True, slots=True)
class InsightsTimes:
    """Deadlines, rates and counts of connections.

    Attributes:
        hello: Seconds within which a client must say who it is.
        heartbeat: Seconds between pings; a client that does not answer half as long is gone.
        write: Seconds that a client may take to accept what we send.
        events_per_second: Further ones are dropped; ten times as many end the connection.
        sockets: Connections altogether.
        user_sockets: Connections of one user.
    """

    hello: float = 5.0
    heartbeat: float = 30.0
    write: float = 5.0
    events_per_second: int = 100
    sockets: int = 512
    user_sockets: int = 8


class InsightsEndpoint:
    """Takes clients' events, and shows them.

    Args:
        verifiers: Whose tokens are believed.
        check_operator: Believes the `Authorization` header of who may read events, or raises
            AuthenticationError.
        room_name: The name of a live room by its SID; empty when there is none.
    """

    def __init__(
        self,
        verifiers: Sequence[TokenVerifier],
        *,
        check_operator: Callable[[str | None], None],
        room_name: Callable[[str], str] = lambda _: "",
        limits: InsightsLimits | None = None,
        times: InsightsTimes | None = None,
    ) -> None:
        self.log = InsightsLog(limits)
        self._verifiers = tuple(verifiers)
        self._check_operator = check_operator
        self._room_name = room_name
        self._times = times or InsightsTimes()
        self._clients: dict[web.WebSocketResponse, Principal | None] = {}
        self._ends: dict[web.WebSocketResponse, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._is_draining = False
        self._dropped = 0

    @property
    def client_count(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    # ------------------------------------------------------------ clients

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One client's WebSocket, from connect to close."""
        if self._is_draining or len(self._clients) >= self._times.sockets:
            return web.json_response({"error": "Insights takes no more clients."}, status=503)
        socket = web.WebSocketResponse(
            max_msg_size=4 * MESSAGE_LIMIT,
            heartbeat=self._times.heartbeat,
            compress=False,
            timeout=2.0,
        )
        self._clients[socket] = None
        try:
            await socket.prepare(request)
            await self._converse(socket)
        except CallingError as error:
            await self._refuse(socket, error)
        except (TimeoutError, ConnectionError):
            # It does not read; aiohttp ends the connection when the handler returns.
            _log.debug("an Insights client went away")
        finally:
            del self._clients[socket]
            await self._await_end(socket)
        # A client that vanished during the upgrade has nothing to end; nobody reads this.
        return socket if socket.prepared else web.Response(status=400)

    def routes(self) -> list[web.AbstractRouteDef]:
        """For the service's application."""
        return [web.get(VIDEO_EVENTS_PATH, self.handle), web.get(INSIGHTS_PATH, self.show)]

    async def close(self) -> None:
        """Refuse new clients and end the others, within 2 s."""
        self._is_draining = True
        self._tell()
        for socket in self._clients:
            if socket.prepared:
                self._ends[socket] = asyncio.create_task(_send_away(socket), name="Insights end")
        if self._ends:
            await asyncio.wait(list(self._ends.values()), timeout=2.0)

    async def _await_end(self, socket: web.WebSocketResponse) -> None:
        """Let `close` say goodbye before aiohttp ends the connection, which it does after us."""
        end = self._ends.pop(socket, None)
        if end is not None:
            await asyncio.wait({end}, timeout=1.0)
            end.cancel()

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        client = await self._greet(socket)
        if client is None:
            return
        loop = asyncio.get_running_loop()
        window, count = loop.time(), 0
        # The heartbeat ends a connection whose other end is gone, and so this loop.
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                raise ProtocolError("Messages are text.", stage=Stage.SIGNALING)
            if loop.time() - window > 1.0:
                window, count = loop.time(), 0
            count += 1
            if count > 10 * self._times.events_per_second:
                raise ServiceError("Too many events.", code=429, stage=Stage.SIGNALING)
            if count > self._times.events_per_second:
                self._dropped += 1
                continue
            self._take(client, message.data)

    async def _greet(self, socket: web.WebSocketResponse) -> _Client | None:
        try:
            async with asyncio.timeout(self._times.hello):
                message = await socket.receive()
        except TimeoutError as error:
            raise ProtocolError("No connect in time.", stage=Stage.SIGNALING) from error
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return None
        connect = decode(message.data) if message.type is WSMsgType.TEXT else None
        if not isinstance(connect, Connect):
            raise ProtocolError("The first message must be connect.", stage=Stage.SIGNALING)
        principal = verify_token(connect.token, self._verifiers, now=time.time())
        mine = sum(
            other is not None and other.raw_id == principal.raw_id
            for other in self._clients.values()
        )
        if mine >= self._times.user_sockets:
            raise ServiceError(
                f"The user has {mine} Insights connections, the maximum.",
                code=429,
                stage=Stage.SIGNALING,
            )
        self._clients[socket] = principal
        publisher = connect.publisher
        client = _Client(
            session=uuid.uuid4().hex,
            key=StreamKey(principal.raw_id, publisher.room_sid, publisher.participant_sid),
            source=Source(
                identity=principal.display_name or principal.raw_id,
                room=self._room_name(publisher.room_sid),
                sdk=f"{publisher.name} {publisher.sdk_version}".strip(),
            ),
        )
        await self._send(socket, type="connected", version=1, session=client.session)
        return client

    def _take(self, client: _Client, text: str) -> None:
        event = decode(text)
        # What was meant for another session came too late for it.
        if not isinstance(event, Event) or event.session != client.session:
            self._dropped += 1
            return
        kept = self.log.add(client.key, client.source, event, now=time.time())
        _log.debug(
            "%s in %s: %s %s", kept.key.participant_sid, kept.key.room_sid, kept.group, kept.name
        )
        self._tell()

    async def _refuse(self, socket: web.WebSocketResponse, error: CallingError) -> None:
        code = error.sub_code or error.code
        try:
            await self._send(socket, type="error", version=1, message=f"{code} {error.message}")
            async with asyncio.timeout(self._times.write):
                await socket.close(code=_close_code(error), message=error.message.encode()[:120])
        except (TimeoutError, ConnectionError):
            _log.debug("an Insights client did not wait for its refusal")

    async def _send(self, socket: web.WebSocketResponse, **message: object) -> None:
        async with asyncio.timeout(self._times.write):
            await socket.send_str(json.dumps(message))

    # ------------------------------------------------------------ operators

    async def show(self, request: web.Request) -> web.Response:
        """Events as JSON, for an operator: GET, HTTP basic authentication.

        Query: `room` (SID or name), `participant` (SID or identity), `after` (a sequence number),
        `limit` (to 500), `wait` (seconds to wait for the first event, to 30). The answer's `next`
        is the `after` of the next question, `dropped` counts events that were not kept.
        """
        try:
            self._check_operator(request.headers.get("Authorization"))
        except AuthenticationError as error:
            headers = {"WWW-Authenticate": 'Basic realm="twilio-compat"'}
            return web.json_response({"error": error.next_step}, status=401, headers=headers)
        try:
            question = _Question.read(request)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        events = await self._answer(question)
        # An empty answer has looked at everything.
        following = events[-1].sequence if events else self.log.last_sequence
        body = {
            "events": [event.to_json() for event in events],
            "next": following,
            "dropped": self._dropped,
        }
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    async def _answer(self, question: _Question) -> list[LoggedEvent]:
        loop = asyncio.get_running_loop()
        until = loop.time() + question.wait
        # Numbers begin anew with the process; who asks with older ones has seen none of these.
        after = question.after if question.after <= self.log.last_sequence else 0
        while True:
            news = self._news
            events = self.log.find(
                question.accepts, after=after, limit=question.limit, now=time.time()
            )
            left = until - loop.time()
            if events or left <= 0 or self._is_draining:
                return events
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await news.wait()

    def _tell(self) -> None:
        """Wake whoever waits for news; each round of waiting has an event of its own."""
        self._news.set()
        self._news = asyncio.Event()


@dataclass(frozen=True, slots=True)
class _Client:
    """Who is at the other end of a WebSocket."""

    session: str
    key: StreamKey
    source: Source


@dataclass(frozen=True, slots=True)
class _Question:
    """What an operator asks for."""

    room: str
    participant: str
    after: int
    limit: int
    wait: float

    @classmethod
    def read(cls, request: web.Request) -> _Question:
        """From the query; ValueError says what is wrong with it."""
        query = request.query
        try:
            after, limit = int(query.get("after", "0")), int(query.get("limit", str(BATCH)))
            wait = float(query.get("wait", "0"))
        except ValueError:
            raise ValueError("after, limit and wait are numbers.") from None
        if after < 0 or not 1 <= limit <= BATCH or not 0 <= wait <= LONGEST_WAIT:
            raise ValueError(
                f"limit is 1 to {BATCH}, wait 0 to {LONGEST_WAIT:g}, after not negative."
            )
        return cls(query.get("room", ""), query.get("participant", ""), after, limit, wait)

    def accepts(self, event: LoggedEvent) -> bool:
        """Whether the event is asked for."""
        is_room = not self.room or self.room in (event.key.room_sid, event.source.room)
        who = (event.key.participant_sid, event.source.identity)
        return is_room and (not self.participant or self.participant in who)


async def _send_away(socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"The service is stopping.")


def _close_code(error: CallingError) -> WSCloseCode:
    """Never 1000, which the SDK takes for an end that was wanted."""
    if isinstance(error, ProtocolError):
        return WSCloseCode.PROTOCOL_ERROR
    if isinstance(error, AuthenticationError):
        return WSCloseCode.POLICY_VIOLATION
    return WSCloseCode.TRY_AGAIN_LATER
