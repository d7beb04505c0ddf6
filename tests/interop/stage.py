"""A real service with browser, Python and ACS-style participants of one test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest

from tests.interop.chromium import Chromium
from tests.interop.page import Page
from tests.support.people import ROOM, Meeting
from twilio_compat.gateway.gateway import GatewaySettings
from twilio_compat.server import CompatServer, embedded

__all__ = ["FOLDER", "STAGES", "MakeStage", "Stage", "stage"]


SCTP_STATE = (
    "_association_state",
    "_flight_size",
    "_cwnd",
    "_last_received_tsn",
    "_sack_misordered",
    "_last_sacked_tsn",
    "_local_tsn",
    "malformed",
)
SCTP_QUEUES = ("_outbound_queue", "_sent_queue", "_data_channel_queue")


class Stage(Meeting):
    """`Meeting`, and pages.

    Attributes:
        pages: Every page of the test, in the order in which they were opened.
    """

    def __init__(
        self, server: CompatServer, stack: AsyncExitStack, url: str, chromium: Chromium
    ) -> None:
        super().__init__(server, stack, url)
        self.chromium = chromium
        self.pages: list[Page] = []

    async def page(
        self, identity: str, *, url: str | None = None, token: str | None = None
    ) -> Page:
        """A page that has loaded the SDK and is not connected.

        Args:
            identity: Whom its token names.
            url: Instead of the service's own, such as a proxy's.
            token: Instead of a good one.
        """
        address = (url or self.url).replace("http", "ws", 1)
        page = Page(
            self.chromium,
            identity,
            self.server.access_token(identity) if token is None else token,
            {
                "wsServer": f"{address}/signaling",
                "wsServerInsights": f"{address}/v1/VideoEvents",
                "logLevel": "off",
            },
        )
        self.stack.push_async_callback(page.close)
        self.pages.append(page)
        await page.open()
        return page

    async def joined(self, identity: str, room: str = ROOM, **options: Any) -> Page:
        """A page that is in a room; options as of `Page.connect`."""
        page = await self.page(identity)
        await page.connect(room, **options)
        return page

    def data_report(self) -> str:
        """How SCTP is doing with each page, for who looks for lost messages."""
        lines = []
        for call in self.server.calls.live.values():
            for endpoint in call.endpoints.values():
                for transport in endpoint.observer.transports:
                    # Private on purpose: nothing but a failed test wants to know.
                    sctp = transport._dtls.data._sctp
                    state = {name: getattr(sctp, name, None) for name in SCTP_STATE}
                    state |= {name: len(getattr(sctp, name, ())) for name in SCTP_QUEUES}
                    channels = getattr(sctp, "_data_channels", {})
                    state["channels"] = {
                        number: (channel.label[:8], channel.readyState)
                        for number, channel in channels.items()
                    }
                    lines.append(f"{endpoint.identity}: {state}")
        return "\n".join(lines)

    async def create_room(self, **form: str) -> str:
        """Make the room of the test through REST, with parameters; returns its SID."""
        status, body = await self.rest("POST", "/v1/Rooms", UniqueName=ROOM, **form)
        assert status == 201, body
        assert body["status"] == "in-progress"
        return str(body["sid"])

    async def rest(self, method: str, path: str, **form: str) -> tuple[int, Any]:
        """A request to the Video REST API with the account's API key: status and JSON."""
        (sid, key), *_ = self.server.settings.api_keys.items()  # type: ignore[attr-defined]
        headers = {"Authorization": aiohttp.encode_basic_auth(sid, key.secret)}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.url}{path}", data=form or None) as response,
        ):
            body = await response.json(content_type=None) if response.status != 204 else None
            return response.status, body


@asynccontextmanager
async def stage(
    chromium: Chromium, *, gateway: GatewaySettings | None = None, **options: Any
) -> AsyncIterator[Stage]:
    """A service, of another origin than the page's as Twilio's is; all leave when the block ends.

    Args:
        chromium: The browser.
        gateway: Instead of the wire gateway's usual deadlines and limits.
        **options: Settings of the service.
    """
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(embedded(gateway=gateway, options=options))
        yield Stage(running, stack, running.url, chromium)


MakeStage: TypeAlias = Callable[..., Awaitable[Stage]]
"""Opens a stage with settings of the service; it ends after the test."""

STAGES: pytest.StashKey[list[Stage]] = pytest.StashKey()
"""Of a test's item: the stages whose pages are to be reported when it fails."""

FOLDER: pytest.StashKey[Path] = pytest.StashKey()
"""Of a test's item: where screenshots go."""
