from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from acs_core import wire
from acs_core.service.outlet import SocketOutlet
from tests.support.events import DEADLINE, until

Use = Callable[[SocketOutlet], None]


class Server:
    """Runs one outlet for each WebSocket, and ends it when the client is gone."""

    def __init__(self) -> None:
        self.outlets: list[SocketOutlet] = []
        self.ended = 0
        self.use: Use = lambda _: None
        self.url = ""

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoclose=False)
        outlet = SocketOutlet(socket, request, limit=1 << 20)
        self.outlets.append(outlet)
        self.use(outlet)
        await socket.prepare(request)
        writer = asyncio.create_task(outlet.run())
        while (await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            pass
        await outlet.drain(writer)
        assert writer.done()
        self.ended += 1
        return socket


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    app = web.Application()
    app.router.add_get("/", serving.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield serving
    await runner.cleanup()


async def heard(server: Server) -> tuple[list[str], int | None]:
    """What a client reads until the WebSocket ends, and its close code."""
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        texts = []
        while (message := await socket.receive(DEADLINE)).type is WSMsgType.TEXT:
            texts.append(message.data)
        return texts, socket.close_code


async def test_messages_arrive_in_order_and_before_the_close(server: Server) -> None:
    def use(outlet: SocketOutlet) -> None:
        outlet.send("one")
        outlet.send("two")
        outlet.close(4440, "elsewhere")
        outlet.close(1000, "again")
        outlet.send("late")

    server.use = use
    assert await heard(server) == (["one", "two"], 4440)
    await until(lambda: server.ended == 1)


async def test_a_long_reason_is_cut_between_characters(server: Server) -> None:
    server.use = lambda outlet: outlet.close(4400, "ä" * 200)
    assert await heard(server) == ([], 4400)


async def test_more_than_the_limit_cuts_the_client_off(server: Server) -> None:
    def use(outlet: SocketOutlet) -> None:
        for _ in range(11):
            outlet.send("x" * 100_000)

    server.use = use
    # The upgrade may be cut off with the rest.
    with pytest.raises(aiohttp.ClientError):
        await heard(server)
    assert server.outlets[0].is_overrun


async def test_what_was_written_no_longer_counts(server: Server) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        for _ in range(30):
            server.outlets[0].send("x" * 100_000)
            assert (await socket.receive(DEADLINE)).type is WSMsgType.TEXT
    assert not server.outlets[0].is_overrun


async def test_a_close_that_is_not_answered_ends_in_a_cut(server: Server) -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url):
        begun = loop.time()
        server.outlets[0].close(1001, "stopping")
        await until(lambda: server.ended == 1)
        assert loop.time() - begun < 4.0


async def test_a_client_that_reads_nothing_does_not_delay_the_close(server: Server) -> None:
    impatient = aiohttp.ClientWSTimeout(ws_close=0.1)
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(server.url, timeout=impatient) as socket,
    ):
        socket._reader._protocol.pause_reading()
        for _ in range(10):
            server.outlets[0].send("x" * 100_000)
        server.outlets[0].close(1001, "stopping")
        await until(lambda: server.ended == 1)
    assert not server.outlets[0].is_overrun


async def test_the_code_for_slow_readers_cuts_at_once(server: Server) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(server.url) as socket:
        server.outlets[0].close(wire.CloseCode.SLOW_READER, "too slow")
        assert (await socket.receive(DEADLINE)).type is not WSMsgType.TEXT
    await until(lambda: server.ended == 1)
