"""The page to try the server, as a person uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from tests.interop.chromium import DEADLINE, SDK, Chromium
from twilio_compat.commands.client_support import make_token
from twilio_compat.gateway.insights import INSIGHTS_PATH
from twilio_compat.page import TryPage, find_sdk
from twilio_compat.server import CompatServer
from twilio_compat.settings import ServerSettings

SEES = """name => [...document.querySelectorAll(".tile")].some(tile =>
    tile.getAttribute("aria-label").startsWith(name)
    && tile.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames > 10)"""


class Visitor:
    """A person with a browser tab of their own."""

    def __init__(self, chromium: Chromium, tab: Tab) -> None:
        self._chromium = chromium
        self.tab = tab
        self.errors: list[str] = []
        tab.set_default_timeout(DEADLINE * 1000)
        tab.on("pageerror", lambda error: self.errors.append(str(error)))

    async def do(self, action: Awaitable[Any]) -> Any:
        """Await something of Playwright where the browser lives."""

        async def work() -> Any:
            return await action

        return await self._chromium.run(work())

    async def join(self) -> None:
        """From the lobby, with camera and microphone, into the room."""
        await self.do(self.tab.wait_for_selector("#preview.pictured"))
        await self.do(self.tab.click("#join-button"))
        await self.do(self.tab.wait_for_selector("body[data-view=room]"))

    async def click(self, selector: str) -> None:
        await self.do(self.tab.click(selector))

    async def check_text(self, selector: str, text: str) -> None:
        """Wait until there is such a text."""
        locator = self.tab.locator(selector).filter(has_text=text)
        await self.do(expect(locator).to_be_visible(timeout=DEADLINE * 1000))

    async def sees(self, name: str) -> None:
        """Wait until somebody's picture moves."""
        await self.do(self.tab.wait_for_function(SEES, arg=name))


Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture
def settings() -> ServerSettings:
    return ServerSettings(dev=True, port=0, media_port=0)


@pytest.fixture
async def server(settings: ServerSettings) -> AsyncIterator[CompatServer]:
    page = TryPage(
        lambda identity, room: make_token(settings, identity, room, 600),
        find_sdk(SDK, directory=SDK),
    )
    async with CompatServer(settings, routes=page.routes()) as server:
        yield server


@pytest.fixture
async def visit(chromium: Chromium, server: CompatServer) -> AsyncIterator[Visit]:
    """Opens the page; nobody's page may have raised anything when the test ends."""
    async with AsyncExitStack() as stack:
        visitors: list[Visitor] = []

        async def open_tab(name: str, url: str = server.url, *, script: str = "") -> Visitor:
            async def work() -> Tab:
                context = await chromium.browser.new_context(permissions=["camera", "microphone"])
                await context.add_init_script(script)
                stack.push_async_callback(lambda: chromium.run(context.close()))
                return await context.new_page()

            visitor = Visitor(chromium, await chromium.run(work()))
            visitors.append(visitor)
            await visitor.do(visitor.tab.goto(f"{url}/?name={name}&room=daily"))
            return visitor

        yield open_tab
        assert [error for visitor in visitors for error in visitor.errors] == []


async def test_two_people_see_and_read_each_other(visit: Visit) -> None:
    ann, bob = await visit("ann"), await visit("bob")
    await ann.join()
    await ann.check_text("#alone-command", "twilio-compat join daily")
    await bob.join()
    await ann.sees("bob")
    await bob.sees("ann")
    await ann.check_text("#people-count", "2 people")

    await bob.click(".bar [data-toggle=audio]")
    muted = ann.tab.locator('.tile[aria-label^="bob"] [aria-label=muted]')
    await ann.do(expect(muted).to_be_visible(timeout=DEADLINE * 1000))

    await bob.do(bob.tab.fill("#message", "hello <b>ann</b>"))
    await bob.do(bob.tab.press("#message", "Enter"))
    await ann.check_text("#messages li", "hello <b>ann</b>")

    await bob.click("#leave")
    await ann.check_text("#people-count", "1 person")
    await bob.do(bob.tab.wait_for_selector("body[data-view=lobby] #preview.pictured"))


SLOW_CAMERA = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const opened = new Promise(resolve => { globalThis.openDevices = resolve; });
navigator.mediaDevices.getUserMedia = wanted => opened.then(() => open(wanted));"""


async def test_who_joins_before_the_camera_is_open_is_seen_all_the_same(visit: Visit) -> None:
    ann, bob = await visit("ann"), await visit("bob", script=SLOW_CAMERA)
    await ann.join()
    await bob.do(bob.tab.click("#join-button"))
    await bob.do(bob.tab.wait_for_selector("body[data-view=room]"))
    await ann.check_text("#people-count", "2 people")
    await bob.do(bob.tab.evaluate("openDevices()"))
    await ann.sees("bob")
    unmuted = ann.tab.locator('.tile[aria-label^="bob"] [aria-label=muted][hidden]')
    await ann.do(expect(unmuted).to_have_count(1, timeout=DEADLINE * 1000))


async def test_camera_goes_off_and_a_screen_is_shared(visit: Visit) -> None:
    ann, bob = await visit("ann"), await visit("bob")
    await ann.join()
    await bob.join()
    await ann.sees("bob")
    await bob.click(".bar [data-toggle=video]")
    off = ann.tab.locator('.tiles .tile[aria-label^="bob"]:not(.pictured)')
    await ann.do(expect(off).to_be_visible(timeout=DEADLINE * 1000))
    await bob.click(".bar [data-toggle=screen]")
    await ann.sees("bob · screen")
    await bob.click(".bar [data-toggle=screen]")
    await ann.do(expect(ann.tab.locator("#stage")).to_be_hidden(timeout=DEADLINE * 1000))


async def test_person_who_is_replaced_reads_why_and_what_to_do(visit: Visit) -> None:
    first, second = await visit("ann"), await visit("ann")
    await first.join()
    await second.join()
    await first.check_text("#failure-title", "Error 53205")
    await first.check_text("#failure-step", "identity of its own")


async def test_what_the_client_tells_insights_can_be_read(
    visit: Visit, server: CompatServer, settings: ServerSettings
) -> None:
    ann = await visit("ann")
    await ann.join()
    assert settings.twilio_account_sid is not None
    assert settings.twilio_auth_token is not None
    secret = settings.twilio_auth_token.get_secret_value()
    headers = {"Authorization": aiohttp.encode_basic_auth(settings.twilio_account_sid, secret)}
    async with aiohttp.ClientSession(headers=headers) as http:
        query = {"room": "daily", "participant": "ann", "wait": "15"}
        async with http.get(server.url + INSIGHTS_PATH, params=query) as answer:
            (first, *_) = (await answer.json())["events"]
    assert first["sdk"] == "twilio-video.js 2.36.0"
    sid = await ann.do(ann.tab.evaluate("room.localParticipant.sid"))
    assert first["participant_sid"] == sid


async def test_page_without_the_sdk_says_how_to_get_it(visit: Visit, tmp_path: Path) -> None:
    page = TryPage(lambda *_: "", find_sdk(None, directory=tmp_path))
    settings = ServerSettings(dev=True, port=0, media_port=0)
    async with CompatServer(settings, routes=page.routes()) as server:
        ann = await visit("ann", server.url)
        await ann.check_text("#missing", "npm install twilio-video")
