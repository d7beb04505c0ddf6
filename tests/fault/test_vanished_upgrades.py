"""Clients that are gone before their WebSocket is open leave nothing, not even a line of a log."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

import pytest

from tests.support.events import until
from twilio_compat.server import embedded

REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.mark.parametrize("path", ["/signaling", "/v1/VideoEvents", "/calls/ws"])
async def test_a_client_that_is_gone_before_the_upgrade_is_no_error(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with embedded() as server:
        place = urlsplit(server.url)
        running = len(asyncio.all_tasks())
        for _ in range(5):
            _, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(REQUEST.format(path=path).encode())
            writer.transport.abort()
        await until(lambda: len(asyncio.all_tasks()) <= running)
    assert caplog.records == []
