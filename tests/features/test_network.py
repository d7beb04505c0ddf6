"""Clients use the network as they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from acs_core import (
    NetworkConfiguration,
    ProxyConfiguration,
    TransportError,
    wire,
)
from acs_core.client.session import SessionOptions
from tests.support.people import meeting, seen_by


class HttpProxy:
    """Passes HTTP requests and what follows them on, and counts (RFC 9112 section 3.2.2)."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n")
        method, target, version = head.decode().split()
        place = urlsplit(target)
        self.hosts.append(place.netloc)
        far_reader, far_writer = await asyncio.open_connection(place.hostname, place.port)
        far_writer.write(f"{method} {place.path} {version}\r\n".encode())
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def http_proxy() -> AsyncIterator[HttpProxy]:
    proxy = HttpProxy()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield proxy


async def test_signaling_goes_through_the_proxy_and_media_does_not() -> None:
    async with http_proxy() as proxy, meeting() as place:
        network = NetworkConfiguration(proxy=ProxyConfiguration(proxy.url))
        ann = await place.user("Ann", network_configuration=network)
        bob = await place.user("Bob")
        call, _ = await ann.join(), await bob.join()
        await seen_by(call)
        assert proxy.hosts == [urlsplit(place.url).netloc]
        await ann.client.dispose()


async def test_a_proxy_that_is_not_there_is_told() -> None:
    async with meeting() as place:
        network = NetworkConfiguration(proxy=ProxyConfiguration("http://127.0.0.1:9"))
        with pytest.raises(TransportError):
            await place.user("Ann", network_configuration=network)


def test_servers_that_are_given_take_the_place_of_the_services() -> None:
    theirs = (wire.IceServer(urls=("turn:theirs",), username="u", credential="p"),)
    ours = (wire.IceServer(urls=("turn:ours",), username="me", credential="secret"),)
    (used,) = SessionOptions(ice_servers=ours).peer_settings(theirs).ice_servers
    assert (used.url, used.username, used.credential) == ("turn:ours", "me", "secret")
    (used,) = SessionOptions().peer_settings(theirs).ice_servers
    assert used.url == "turn:theirs"
