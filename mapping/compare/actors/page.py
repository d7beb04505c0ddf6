"""A participant in a real browser, with the vendor's unmodified `twilio-video`.

Theory of operation. One headless Chromium and one small site for all pages of a run. The page's
program calls back for each event, so events arrive in the order in which an application hears them.
Neither Chromium nor the SDK comes with this library: both are looked for, or told.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from aiohttp import web

from mapping.compare.actors.base import Actor, DeedError, Place
from mapping.compare.errors import ActorLostError, MissingPieceError
from mapping.compare.listening import Hear
from mapping.compare.scenario import Media, Seat
from mapping.compare.vocabulary import EVENTS
from twilio_compat.testing.senses import Heard, Seen, color_of, judge_picture, judge_sound

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page

__all__ = ["PageActor", "find_chromium", "find_sdk", "open_pages"]

_FOLDER: Final = Path(__file__).parents[1] / "page"
_PROGRAM: Final = "twilio-video.js"
_DEADLINE: Final = 20.0
_LOOK: Final = 0.1
"""Seconds between two looks at a page."""

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")

# Nothing of the browser's own may reach for the network.
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    # Candidates must be addresses: nobody resolves mDNS names here.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


def find_chromium(given: str = "") -> str:
    """The browser's program.

    Raises:
        MissingPieceError: There is none.
    """
    for name in (given,) if given else _BROWSERS:
        if path := shutil.which(name):
            return path
    raise MissingPieceError(
        f"There is no {given or 'Chromium'}: install it (Debian: apt install chromium), or say "
        "where it is (--chromium)."
    )


def find_sdk(given: str = "", start: Path | None = None) -> Path:
    """The folder of `twilio-video.js`: as given, or of a `node_modules` here or above.

    Args:
        given: The folder, or the folder of the package.
        start: Where to look from; None for the working folder.

    Raises:
        MissingPieceError: There is none.
    """
    here = (start or Path.cwd()).resolve()
    places = [Path(given), Path(given) / "dist"] if given else []
    if not given:
        above = (here, *here.parents)
        places = [folder / "node_modules" / "twilio-video" / "dist" for folder in above]
    for place in places:
        if (place / _PROGRAM).is_file():
            return place
    raise MissingPieceError(
        f"There is no {_PROGRAM}{f' in {given}' if given else ''}: npm install twilio-video@2, "
        "or say where its folder is (--sdk)."
    )


@asynccontextmanager
async def open_pages(
    *, chromium: str = "", sdk: str = ""
) -> AsyncIterator[Callable[[Seat, Place, Hear], PageActor]]:
    """A browser, and what makes participants in it; gone when the block ends.

    Args:
        chromium: The browser's program; empty to look for it.
        sdk: Folder of `twilio-video.js`; empty to look for it.

    Raises:
        MissingPieceError: Playwright, Chromium or the SDK is not installed.
        ActorLostError: The browser does not start.
    """
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError as error:
        raise MissingPieceError("Pages need Playwright: pip install playwright") from error
    program, folder = find_chromium(chromium), find_sdk(sdk)
    site = web.Application()
    site.router.add_static("/page", _FOLDER)
    site.router.add_static("/sdk", folder)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        # This host is a secure context (W3C Secure Contexts section 3.1), so it may use WebRTC.
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/page/index.html"
        async with async_playwright() as playwright:
            try:
                browser = await playwright.chromium.launch(
                    executable_path=program, args=list(_FLAGS), timeout=_DEADLINE * 1000
                )
                # All in one: a context of its own costs each page a second.
                context = await browser.new_context(viewport={"width": 800, "height": 600})
            except Error as error:
                raise ActorLostError(f"{program} does not start: {_first_line(error)}") from error
            try:
                yield lambda seat, place, hear: PageActor(context, url, seat, place, hear)
            finally:
                await browser.close()
    finally:
        await runner.cleanup()


class PageActor(Actor):
    """One page.

    Args:
        context: Of the browser, where it is opened.
        url: Of the page.
        seat: See `Actor`.
        place: See `Actor`.
        hear: See `Actor`.
    """

    def __init__(
        self, context: BrowserContext, url: str, seat: Seat, place: Place, hear: Hear
    ) -> None:
        super().__init__(seat, place, hear)
        self._context = context
        self._url = url
        self._page: Page | None = None
        self._has_crashed = False

    async def open(self) -> None:
        """See `Actor`."""
        from playwright.async_api import Error

        try:
            async with asyncio.timeout(_DEADLINE):
                self._page = page = await self._context.new_page()
                page.on("crash", lambda _page: self._crash())
                await page.expose_function("hear", self.hear)
                await page.goto(self._url)
        except (Error, TimeoutError) as error:
            raise ActorLostError(
                f"{self.seat.actor}'s page does not open: {_first_line(error)}"
            ) from error

    def _crash(self) -> None:
        self._has_crashed = True

    async def join(self, tracks: Sequence[Media]) -> Any:
        """See `Actor`."""
        address = self.place.url.replace("http", "ws", 1)
        options = {
            "name": self.seat.room,
            "wsServer": f"{address}/signaling",
            "wsServerInsights": f"{address}/v1/VideoEvents",
            "logLevel": "off",
            "dominantSpeaker": self.seat.dominant_speaker,
        }
        return await self._perform(
            "join",
            {
                "token": self.place.token,
                "tracks": [_plain(media) for media in tracks],
                "options": options,
                "events": sorted(EVENTS),
            },
        )

    async def leave(self) -> Any:
        """See `Actor`."""
        return await self._perform("leave")

    async def publish(self, media: Media) -> Any:
        """See `Actor`."""
        return await self._perform("publish", _plain(media))

    async def unpublish(self, name: str) -> Any:
        """See `Actor`."""
        return await self._perform("unpublish", {"name": name})

    async def enable(self, name: str, *, is_enabled: bool) -> Any:
        """See `Actor`."""
        return await self._perform("enable", {"name": name, "isEnabled": is_enabled})

    async def prioritize(self, name: str, priority: str) -> Any:
        """See `Actor`."""
        return await self._perform("prioritize", {"name": name, "priority": priority})

    async def send(self, name: str, data: str | bytes) -> Any:
        """See `Actor`."""
        said = {"text": data} if isinstance(data, str) else {"bytes": list(data)}
        return await self._perform("send", {"name": name, **said})

    async def roster(self) -> list[dict[str, Any]]:
        """See `Actor`."""
        return list(await self._perform("roster"))

    async def state(self) -> str:
        """See `Actor`."""
        return str(await self._perform("state"))

    async def perceive(
        self, kind: str, identity: str, track: str
    ) -> AsyncGenerator[Heard | Seen | None, None]:
        """See `Actor`."""
        method = "picture" if kind == "video" else "sound"
        while True:
            read = await self._perform(method, {"identity": identity, "name": track})
            if read is None:
                yield None
            elif kind == "video":
                pixels = np.frombuffer(base64.b64decode(read["rgb"]), dtype=np.uint8)
                yield judge_picture(pixels.reshape(read["height"], read["width"], 3))
            else:
                samples = np.frombuffer(base64.b64decode(read["pcm"]), dtype=np.int16)
                yield judge_sound(samples, int(read["rate"]))
            await asyncio.sleep(_LOOK)

    def freeze(self, *, is_frozen: bool) -> None:
        """See `Actor`; its media go on, for who is lost is decided by signaling."""

    async def aclose(self) -> None:
        """See `Actor`."""
        from playwright.async_api import Error

        page, self._page = self._page, None
        # One that has crashed, or whose browser has, cannot be closed.
        if page is not None and not self._has_crashed:
            with contextlib.suppress(Error):
                await page.close()

    async def _perform(self, method: str, argument: Any = None) -> Any:
        """What a method of the page gives.

        Raises:
            ActorLostError: The page or the browser has ended.
            DeedError: It failed, or takes too long.
        """
        if self._page is None:
            raise DeedError(None, f"{self.seat.actor} has not joined.")
        from playwright.async_api import Error

        call = {"method": method, "argument": argument}
        try:
            async with asyncio.timeout(_DEADLINE):
                outcome = await self._page.evaluate("call => perform(call)", call)
        except Error as error:
            told = f"{self.seat.actor}'s page failed: {_first_line(error)}"
            if self._has_crashed or self._page.is_closed():
                raise ActorLostError(told) from error
            raise DeedError(None, told) from error
        except TimeoutError as error:
            told = f"{self.seat.actor}'s page does not answer: {method} takes over {_DEADLINE:g} s."
            raise DeedError(None, told) from error
        if "error" in outcome:
            raise DeedError(outcome["error"]["code"], outcome["error"]["message"])
        return outcome["value"]


def _first_line(error: Exception) -> str:
    """What an error says, without the log of a browser that follows."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _plain(media: Media) -> dict[str, Any]:
    color = list(color_of(media.color)) if media.color else None
    return {"kind": media.kind, "name": media.name, "color": color, "tone": media.tone}
