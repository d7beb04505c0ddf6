"""Files that programs play are fetched within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from acs_core.errors import DeadlineError, InvalidArgumentError, TransportError
from acs_core.service.automation.fetching import Downloads


def anything(_: str) -> None:
    """Check nothing."""


def downloads(**options: float) -> Downloads:
    return Downloads(lambda _: aiohttp.ThreadedResolver(), anything, **options)  # type: ignore[arg-type]


@pytest.fixture
async def files() -> AsyncIterator[str]:
    """A web server with some files; its URL."""
    never = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.match_info["name"]:
            case "short":
                return web.Response(body=b"sound")
            case "long":
                return web.Response(body=b"x" * 5000)
            case "moved":
                raise web.HTTPFound("/short")
            case "slow":
                await never.wait()
        raise web.HTTPNotFound

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    never.set()
    await runner.cleanup()


async def test_a_file_is_fetched(files: str) -> None:
    assert await downloads()(f"{files}/short") == b"sound"


@pytest.mark.parametrize("name", ["none", "moved", "long"])
async def test_what_is_missing_elsewhere_or_too_long_is_not_fetched(files: str, name: str) -> None:
    with pytest.raises(TransportError):
        await downloads(most=1000)(f"{files}/{name}")


async def test_a_slow_file_is_given_up(files: str) -> None:
    with pytest.raises(DeadlineError):
        await downloads(timeout=0.05)(f"{files}/slow")


async def test_nobody_there_is_told() -> None:
    with pytest.raises(TransportError):
        await downloads()("http://127.0.0.1:1/short")


async def test_a_url_that_is_refused_is_not_asked_for(files: str) -> None:
    def refuse(_: str) -> None:
        raise InvalidArgumentError("Not there.")

    fetch = Downloads(lambda _: aiohttp.ThreadedResolver(), refuse)
    with pytest.raises(InvalidArgumentError):
        await fetch(f"{files}/short")
