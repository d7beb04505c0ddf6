"""Clients use the network as they are told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from acs_core import (
    IceServer,
    LocalAudioStream,
    NetworkConfiguration,
    ProxyConfiguration,
    TransportError,
    TurnConfiguration,
    wire,
)
from acs_core.client.session import SessionOptions
from acs_core.media.sources import ToneSource
from acs_core.service.settings import ServiceSettings
from tests.support.people import meeting, seen_by
from tests.support.proxies import tcp_proxy
from tests.support.turn_server import turn_server


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


@pytest.mark.feature("MATRIX-027")
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


@pytest.mark.interop
@pytest.mark.feature("MATRIX-027")
async def test_the_turn_server_that_a_client_is_given_is_used_for_its_media() -> None:
    async with turn_server() as turn, tcp_proxy(turn.config.port) as way, meeting() as place:
        issued = turn.credentials.issue("8:acs:ann", now=time.time())
        url = f"turn:127.0.0.1:{urlsplit(way.url).port}?transport=tcp"
        server = IceServer((url,), issued.username, issued.credential)
        network = NetworkConfiguration(turn=TurnConfiguration((server,)))
        ann = await place.user("Ann", network_configuration=network)
        bob = await place.user("Bob")
        call = await ann.join(audio=LocalAudioStream(ToneSource()))
        await bob.join()
        await seen_by(call)
        assert way.connections > 0
        await ann.client.dispose()


@pytest.mark.feature("MATRIX-027")
def test_the_ports_of_a_service_are_those_that_the_readme_names() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    defaults = ServiceSettings.model_fields
    assert f'"port": {defaults["port"].default}' in readme
    assert f'"media_port": {defaults["media_port"].default}' in readme
