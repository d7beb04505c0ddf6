"""A TCP and a UDP proxy that can be cut and restored, to break networks without a network.

And one for WebSockets, which can end them with a code as a gateway in front of a service does.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

__all__ = ["SocketProxy", "TcpProxy", "UdpProxy", "socket_proxy", "tcp_proxy", "udp_proxy"]


class TcpProxy:
    """Passes TCP connections on to one port of this machine, and takes TLS off them if told how."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._is_frozen = False
        self._thaw = asyncio.Event()
        self._thaw.set()
        self.connections = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._thaw.set()
        self._abort()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cut(self) -> None:
        """Reset what is open and refuse what comes, until `restore`."""
        self._is_cut = True
        self._abort()

    def freeze(self) -> None:
        """Carry nothing more, without a word to either side, until `restore`."""
        self._thaw.clear()

    def restore(self) -> None:
        self._is_cut = False
        self._thaw.set()

    def _abort(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if self._is_cut:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(far_writer)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, far_writer))
                    both.create_task(self._pump(far_reader, writer))
            finally:
                self._writers.discard(far_writer)
                far_writer.transport.abort()
        except asyncio.CancelledError:
            # The stream server would report it.
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._thaw.wait()
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            else:  # TLS has no half of a connection.
                writer.close()
        except (ConnectionError, RuntimeError, OSError):
            writer.transport.abort()


class SocketProxy:
    """Passes WebSockets with text messages on to a service; makes no other requests.

    Attributes:
        url: Where clients find it, with ``http``.
    """

    def __init__(self, service: str, session: aiohttp.ClientSession) -> None:
        self._service = service
        self._session = session
        # With the code that each is to be closed with, once that is decided here.
        self._open: dict[web.WebSocketResponse, int | None] = {}
        self.url = ""

    async def close_all(self, code: int) -> int:
        """End every WebSocket, on both sides, with this code; who comes again is let in.

        Returns:
            How many there were.
        """
        ending = tuple(self._open)
        for near in ending:
            self._open[near] = code
            await near.close(code=code)
        return len(ending)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        near = web.WebSocketResponse()
        await near.prepare(request)
        self._open[near] = None
        try:
            async with self._session.ws_connect(f"{self._service}{request.path_qs}") as far:
                back = asyncio.create_task(self._return(far, near))
                try:
                    await self._pump(near, far)
                    await far.close(code=self._open[near] or near.close_code or 1000)
                finally:
                    back.cancel()
                    await asyncio.wait({back})
        finally:
            del self._open[near]
        return near

    async def _pump(
        self,
        source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    ) -> None:
        async for message in source:
            await sink.send_str(message.data)

    async def _return(
        self, far: aiohttp.ClientWebSocketResponse, near: web.WebSocketResponse
    ) -> None:
        await self._pump(far, near)
        await near.close(code=far.close_code or 1000)


class UdpProxy(asyncio.DatagramProtocol):
    """Passes datagrams on to a port of 127.0.0.1; listens on the same port of another address."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._near: asyncio.DatagramTransport | None = None
        self._far: dict[Any, asyncio.DatagramTransport] = {}
        self._opening: dict[Any, asyncio.Task[None]] = {}
        self._waiting: dict[Any, list[bytes]] = {}
        self.is_cut = False
        self.dropped = 0

    def connection_made(self, transport: Any) -> None:
        self._near = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.is_cut:
            self.dropped += 1
            return
        far = self._far.get(addr)
        if far is not None:
            far.sendto(data)
            return
        self._waiting.setdefault(addr, []).append(data)
        if addr not in self._opening:
            self._opening[addr] = asyncio.create_task(self._open(addr))

    async def _open(self, addr: Any) -> None:
        loop = asyncio.get_running_loop()
        far, _ = await loop.create_datagram_endpoint(
            lambda: _Return(self, addr), remote_addr=self._target
        )
        self._far[addr] = far
        for data in self._waiting.pop(addr, []):
            far.sendto(data)

    def answer(self, data: bytes, addr: Any) -> None:
        if self.is_cut:
            self.dropped += 1
        elif self._near is not None:
            self._near.sendto(data, addr)

    def forget(self) -> None:
        """Close what was opened for clients that are gone; whoever still sends gets another."""
        for far in self._far.values():
            far.abort()
        self._far.clear()
        self._opening.clear()

    async def close(self) -> None:
        tasks = set(self._opening.values())
        if tasks:
            await asyncio.wait(tasks)
        for far in self._far.values():
            far.abort()
        if self._near is not None:
            self._near.abort()


class _Return(asyncio.DatagramProtocol):
    def __init__(self, proxy: UdpProxy, addr: Any) -> None:
        self._proxy = proxy
        self._addr = addr

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._proxy.answer(data, self._addr)

    def error_received(self, exc: Exception) -> None:
        """The service is gone; datagrams are lost."""


@asynccontextmanager
async def tcp_proxy(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[TcpProxy]:
    proxy = TcpProxy(port, tls)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()


@asynccontextmanager
async def socket_proxy(service: str) -> AsyncIterator[SocketProxy]:
    """In front of a service at this URL; its sockets end when the block does."""
    async with aiohttp.ClientSession() as session:
        proxy = SocketProxy(service, session)
        app = web.Application()
        app.router.add_get("/{path:.*}", proxy.handle)
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield proxy
        finally:
            await proxy.close_all(1001)
            await runner.cleanup()


@asynccontextmanager
async def udp_proxy(port: int, *, host: str = "127.0.0.2") -> AsyncIterator[UdpProxy]:
    """In front of the service's media port; `host` is the service's public address."""
    loop = asyncio.get_running_loop()
    proxy = UdpProxy(port)
    await loop.create_datagram_endpoint(lambda: proxy, local_addr=(host, port))
    try:
        yield proxy
    finally:
        await proxy.close()
