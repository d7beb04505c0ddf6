from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from tests.support.events import DEADLINE, until
from twilio_compat.gateway.socket import EndKind, SignalingSocket, SocketEnd
from twilio_compat.gateway.tcmp import Busy, CloseCode, Hello, TcmpLimits, TcmpTimes

ICE = {"type": "ice", "token": "t"}
PATIENT = TcmpTimes(heartbeat=5.0)
SOON_CLOSED = aiohttp.ClientWSTimeout(ws_close=0.1)
QUICK = TcmpTimes(heartbeat=0.1, shortest_heartbeat=0.05, hello=0.3, missed_beats=3.0, grace=0.02)


class Server:
    """Serves `SignalingSocket`s, and remembers what came and how they ended."""

    def __init__(self) -> None:
        self.times = PATIENT
        self.limits = TcmpLimits()
        self.admit: Callable[[Hello], Busy | None] = lambda _: None
        self.on_body: Callable[[SignalingSocket, dict[str, Any]], None] = lambda *_: None
        self.on_made: Callable[[SignalingSocket], None] = lambda _: None
        self.sockets: list[SignalingSocket] = []
        self.bodies: list[dict[str, Any]] = []
        self.ends: list[SocketEnd] = []
        self.hellos: list[Hello] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        def admit(hello: Hello) -> Busy | None:
            self.hellos.append(hello)
            return self.admit(hello)

        def on_body(body: dict[str, Any]) -> None:
            self.bodies.append(body)
            self.on_body(socket, body)

        socket = SignalingSocket(request, times=self.times, limits=self.limits, admit=admit)
        self.sockets.append(socket)
        self.on_made(socket)
        self.ends.append(await socket.run(on_body))
        return socket.response

    async def end(self) -> SocketEnd:
        await until(lambda: self.ends)
        return self.ends[-1]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    app = web.Application()
    app.router.add_get("/signaling", serving.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}/signaling"
    yield serving
    await runner.cleanup()


class Client:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def hello(self, **changes: Any) -> None:
        await self.say(type="hello", id="1", timeout=5000, version=2, **changes)

    async def hear(self) -> dict[str, Any]:
        message = await self.socket.receive(DEADLINE)
        assert message.type is WSMsgType.TEXT, (message, self.socket.close_code)
        heard: dict[str, Any] = json.loads(message.data)
        return heard

    async def hear_close(self) -> int | None:
        while (await self.socket.receive(DEADLINE)).type is WSMsgType.TEXT:
            pass
        return self.socket.close_code

    def cut(self) -> None:
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(server.url, max_msg_size=0, timeout=SOON_CLOSED) as socket,
    ):
        yield Client(socket)


async def opened(client: Client, **changes: Any) -> None:
    await client.hello(**changes)
    assert (await client.hear())["type"] == "welcome"


# ---------------------------------------------------------------- conversation


async def test_the_body_of_the_hello_and_of_messages_is_handed_on_and_answered(
    server: Server, client: Client
) -> None:
    server.on_body = lambda socket, body: socket.send({"answer": body})
    await opened(client, body=ICE)
    assert await client.hear() == {"type": "msg", "body": {"answer": ICE}}
    await client.say(type="msg", body={"type": "connect"})
    assert await client.hear() == {"type": "msg", "body": {"answer": {"type": "connect"}}}
    assert server.bodies == [ICE, {"type": "connect"}]
    assert server.sockets[0].is_open


async def test_what_is_sent_before_the_welcome_arrives_after_it(server: Server) -> None:
    server.on_made = lambda socket: socket.send({"n": 1})
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        client = Client(socket)
        await opened(client)
        assert (await client.hear())["body"] == {"n": 1}


async def test_garbage_is_bad_and_the_socket_goes_on(server: Server, client: Client) -> None:
    await opened(client)
    await client.socket.send_str("garbage")
    assert (await client.hear())["type"] == "bad"
    await client.say(type="msg", body={})
    await until(lambda: server.bodies)


async def test_a_request_that_is_no_upgrade_is_refused(server: Server) -> None:
    async with aiohttp.ClientSession() as http, http.get(server.url) as response:
        assert response.status == 400


# ---------------------------------------------------------------- busy


async def test_busy_then_welcome_on_the_same_socket(server: Server, client: Client) -> None:
    server.admit = lambda hello: None if hello.cookie else Busy(10, keep_alive=True, cookie="c")
    await client.hello(body=ICE)
    assert await client.hear() == {
        "type": "busy",
        "retryAfter": 10,
        "keepAlive": True,
        "cookie": "c",
    }
    assert server.bodies == []
    await opened(client, body=ICE, cookie="c")
    await until(lambda: server.bodies == [ICE])
    assert [hello.cookie for hello in server.hellos] == [None, "c"]


async def test_busy_without_the_socket_echoes_the_code_that_the_client_closes_with(
    server: Server, client: Client
) -> None:
    server.admit = lambda _: Busy(10)
    await client.hello()
    assert (await client.hear())["keepAlive"] is False
    await client.socket.close(code=3005)
    # A browser reports the code of the answer; 1000 would end the client's `connect()`.
    assert client.socket.close_code == 3005
    assert await server.end() == SocketEnd(EndKind.REFUSED, 3005)


async def test_a_client_that_is_refused_and_stays_is_closed(server: Server) -> None:
    server.times = QUICK
    server.admit = lambda _: Busy(-1)
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        client = Client(socket)
        await client.hello()
        assert (await client.hear())["retryAfter"] == -1
        assert await client.hear_close() == CloseCode.TRY_AGAIN_LATER
    assert (await server.end()).kind is EndKind.REFUSED


# ---------------------------------------------------------------- time


async def test_a_silent_client_is_told_that_we_live_and_then_closed(server: Server) -> None:
    server.times = QUICK
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        client = Client(socket)
        await opened(client)
        assert await client.hear() == {"type": "heartbeat"}
        assert await client.hear() == {"type": "heartbeat"}
        assert await client.hear_close() == CloseCode.BEATS_LOST
    assert (await server.end()).kind is EndKind.BEATS_LOST


async def test_a_client_that_beats_stays(server: Server) -> None:
    server.times = TcmpTimes(heartbeat=0.1, shortest_heartbeat=0.05, grace=1.0)
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        client = Client(socket)
        await opened(client)
        for _ in range(8):
            assert await client.hear() == {"type": "heartbeat"}
            await client.say(type="heartbeat")
        assert server.ends == []


async def test_a_client_that_says_nothing_is_closed_at_the_deadline(server: Server) -> None:
    server.times = QUICK
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        assert await Client(socket).hear_close() == CloseCode.HELLO_TIMEOUT
    assert (await server.end()).kind is EndKind.VIOLATION


# ---------------------------------------------------------------- endings


@pytest.mark.parametrize(
    ("code", "is_goodbye"), [(1000, True), (1001, False), (3001, False), (3004, False)]
)
async def test_the_code_that_the_client_closes_with_is_reported_and_echoed(
    server: Server, client: Client, code: int, is_goodbye: bool
) -> None:
    await opened(client, body=ICE)
    await client.socket.close(code=code, message=b"why")
    assert client.socket.close_code == code
    end = SocketEnd(EndKind.CLIENT_CLOSED, code, "why", is_goodbye=is_goodbye)
    assert await server.end() == end
    server.sockets[0].send({"after": "the end"})
    server.sockets[0].close()
    assert server.ends == [end]


async def test_a_close_without_a_code_is_no_goodbye(server: Server, client: Client) -> None:
    await opened(client)
    await client.socket._writer.send_frame(b"", WSMsgType.CLOSE)
    assert await server.end() == SocketEnd(EndKind.CLIENT_CLOSED, 1005)


async def test_bye_and_a_lost_connection_are_a_goodbye(server: Server, client: Client) -> None:
    await opened(client)
    await client.say(type="bye")
    await until(lambda: not server.sockets[0].is_open)
    client.cut()
    end = await server.end()
    assert (end.kind, end.code, end.is_goodbye) == (EndKind.LOST, 1006, True)


async def test_a_lost_connection_is_no_goodbye(server: Server, client: Client) -> None:
    await opened(client)
    client.cut()
    assert await server.end() == SocketEnd(EndKind.LOST, 1006)


async def test_a_close_of_ours_follows_what_was_sent(server: Server, client: Client) -> None:
    def finish(socket: SignalingSocket, _: object) -> None:
        socket.send({"type": "disconnected"})
        socket.close(1000, "over")
        socket.close(1001, "again")
        socket.send({"type": "late"})

    server.on_body = finish
    await opened(client, body=ICE)
    assert (await client.hear())["body"] == {"type": "disconnected"}
    assert await client.hear_close() == 1000
    assert await server.end() == SocketEnd(EndKind.SERVER_CLOSED, 1000, "over")
    assert not server.sockets[0].is_open


async def test_a_socket_that_is_closed_before_it_runs_says_so(server: Server) -> None:
    server.on_made = lambda socket: socket.close(CloseCode.GOING_AWAY, "stopping")
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        assert await Client(socket).hear_close() == 1001
    assert (await server.end()).kind is EndKind.SERVER_CLOSED


async def test_nothing_is_handed_on_after_a_close(server: Server, client: Client) -> None:
    server.on_body = lambda socket, _: socket.close(4440)
    await opened(client, body=ICE)
    await client.say(type="msg", body={})
    assert await client.hear_close() == 4440
    await server.end()
    assert server.bodies == [ICE]


@pytest.mark.parametrize("part", ["admit", "on_body"])
async def test_a_failure_of_ours_is_logged_and_closes_the_socket(
    server: Server, client: Client, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    setattr(server, part, fail)
    with caplog.at_level(logging.ERROR):
        await client.hello(body=ICE)
        assert await client.hear_close() == CloseCode.INTERNAL_ERROR
    assert (await server.end()).kind is EndKind.FAILED
    assert "a bug" in caplog.text


async def test_a_client_that_does_not_answer_a_close_is_cut_off_soon(
    server: Server, client: Client
) -> None:
    await opened(client)
    begun = asyncio.get_running_loop().time()
    server.sockets[0].close(1001)
    await server.end()
    assert asyncio.get_running_loop().time() - begun < 4.0
    assert server.ends == [SocketEnd(EndKind.SERVER_CLOSED, 1001)]


# ---------------------------------------------------------------- abuse


async def test_binary_frames_are_refused(server: Server, client: Client) -> None:
    await opened(client)
    await client.socket.send_bytes(b"\x00")
    assert await client.hear_close() == CloseCode.UNSUPPORTED_DATA
    assert (await server.end()).kind is EndKind.VIOLATION


async def test_oversize_frames_are_refused(server: Server, client: Client) -> None:
    await opened(client)
    await client.socket.send_str(" " * (TcmpLimits().message + 1))
    assert await client.hear_close() == CloseCode.TOO_LARGE
    assert (await server.end()).kind is EndKind.VIOLATION


async def test_a_frame_that_is_no_text_in_utf8_is_refused(server: Server, client: Client) -> None:
    await opened(client)
    await client.socket._writer.send_frame(b"\xff", WSMsgType.TEXT)
    assert await client.hear_close() == 1007
    assert await server.end()
    assert server.ends[0].kind is EndKind.VIOLATION


async def test_a_flood_is_refused(server: Server, client: Client) -> None:
    server.on_body = lambda *_: None
    await opened(client)
    for _ in range(300):
        await client.say(type="msg", body={})
    assert await client.hear_close() == CloseCode.TOO_FAST
    assert (await server.end()).kind is EndKind.VIOLATION
    assert len(server.bodies) <= 210


async def test_a_client_that_does_not_read_is_cut_off(server: Server, client: Client) -> None:
    await opened(client)
    socket, large = server.sockets[0], {"text": "x" * 100_000}
    client.socket._reader._protocol.pause_reading()
    async with asyncio.timeout(DEADLINE):
        while not server.ends:
            socket.send(large)
            await asyncio.sleep(0)
    assert server.ends == [SocketEnd(EndKind.SLOW_READER, CloseCode.SLOW_READER)]
