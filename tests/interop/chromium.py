"""One Chromium for all tests: it runs beside them, on an event loop in a thread of its own.

Theory of operation: Playwright keeps tasks and a subprocess on the loop that it was started on, for
as long as it lives; a test's loop lives as long as the test and must be left empty. So Playwright,
and the site that serves the test page, live on one loop for the session, and a test hands
coroutines to it with `run`. Pages that a test is done with are kept for the next one: loading the
test page again takes a fifth of the time that a new context takes, and leaves as little behind.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from aiohttp import web
from playwright.async_api import Browser, Error, Page, Playwright, async_playwright

__all__ = ["DEADLINE", "Chromium", "missing"]

HERE: Final = Path(__file__).parent
SDK: Final = HERE / "node_modules" / "twilio-video" / "dist"
MEDIA: Final = HERE.parents[1] / "mapping" / "compare" / "page"
DEADLINE: Final = 15.0

# Nothing of the browser's own may reach for the network. Playwright adds what keeps pages in the
# background awake, and the sound off.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # Candidates must be addresses: nobody resolves mDNS names here.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)

Outcome = TypeVar("Outcome")


def missing() -> str | None:
    """What the browser tests lack on this machine, and how to get it; None when nothing."""
    if shutil.which("chromium") is None:
        return "there is no chromium; install Debian's package chromium"
    if not SDK.is_dir():
        return "twilio-video is not installed; run npm ci in tests/interop"
    return None


class Chromium:
    """A headless Chromium and the site of the test page.

    Args:
        flags: Further command line switches.
        origin: Of another Chromium, whose site is used instead of one of its own.
    """

    def __init__(self, *flags: str, origin: str = "") -> None:
        self._flags = (*FLAGS, *flags)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chromium")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._site: web.AppRunner | None = None
        self._spare: list[Page] = []
        self.origin = origin

    @property
    def browser(self) -> Browser:
        """The browser; only between `start` and `close`."""
        assert self._browser is not None
        return self._browser

    def start(self) -> None:
        """Start browser and site; `origin` is where the site is."""
        self._thread.start()
        try:
            self.run_now(self._open(), deadline=30)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End what was started, and the thread."""
        try:
            self.run_now(self._end(), deadline=30)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
            self._loop.close()

    async def run(self, work: Coroutine[Any, Any, Outcome], *, deadline: float = 30) -> Outcome:
        """Have a coroutine run beside the browser, and wait for it from a test's loop."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, deadline), self._loop)
        return await asyncio.wrap_future(future)

    def run_now(self, work: Coroutine[Any, Any, Outcome], *, deadline: float = 30) -> Outcome:
        """The same for code that is not in a loop; blocks."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, deadline), self._loop)
        return future.result(deadline + 5)

    async def borrow(self) -> Page:
        """A page in a context of its own; on the browser's loop. Load something into it."""
        if self._spare:
            return self._spare.pop()
        context = await self.browser.new_context(
            permissions=["camera", "microphone"], viewport={"width": 800, "height": 600}
        )
        return await context.new_page()

    async def give_back(self, page: Page) -> None:
        """Leave what a borrowed page shows: its program ends without a word."""
        try:
            # Another page of the same origin, so that its process is kept.
            await page.goto(f"{self.origin}/page/blank.html")
        except Error:
            await page.context.close()
        else:
            self._spare.append(page)

    async def _open(self) -> None:
        if not self.origin:
            await self._serve()
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(self._flags)
        )

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_static("/page", HERE / "page")
        application.router.add_static("/media", MEDIA)
        application.router.add_static("/sdk", SDK)
        self._site = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._site.setup()
        # This host is a secure context (W3C Secure Contexts section 3.1), so it may use WebRTC.
        await web.TCPSite(self._site, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{self._site.addresses[0][1]}"

    async def _end(self) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
        if self._site is not None:
            await self._site.cleanup()
