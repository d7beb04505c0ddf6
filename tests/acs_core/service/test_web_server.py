from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from acs_core.errors import TransportError
from acs_core.service.settings import ServiceSettings
from acs_core.service.web_server import WebServer
from tests.support.events import until


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


ROUTES = [web.get("/hello", hello), web.get("/open/hello", hello)]


async def test_what_is_served_is_found_where_it_says() -> None:
    server = WebServer(ServiceSettings(port=0), ["/open"])
    await server.start(ROUTES)
    assert server.url == f"http://127.0.0.1:{server.port}"
    other = {"Origin": "https://elsewhere.example"}
    async with aiohttp.ClientSession() as http:
        for path, headers, status in (
            ("/hello", {}, 200),
            ("/hello", other, 403),
            ("/open/hello", other, 200),
        ):
            async with http.get(f"{server.url}{path}", headers=headers) as answer:
                assert answer.status == status
        assert server.connections == 1
    await until(lambda: not server.connections)
    await server.close()
    await server.close()


async def test_a_port_that_is_taken_is_told() -> None:
    first = WebServer(ServiceSettings(port=0), ())
    await first.start(ROUTES)
    second = WebServer(ServiceSettings(port=first.port), ())
    with pytest.raises(TransportError, match="cannot be bound"):
        await second.start(ROUTES)
    await second.close()
    await first.close()


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:0"), ("::", "http://[::1]:0"), ("name", "http://name:0")],
)
def test_a_server_on_all_addresses_is_found_on_this_machine(host: str, url: str) -> None:
    assert WebServer(ServiceSettings(host=host), ()).url == url
