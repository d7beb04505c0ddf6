"""A tab of the browser with the test page in it, and what is known of it when a test fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Page, WebSocket

from tests.interop.chromium import DEADLINE, Chromium
from tests.interop.trace import Trace
from tests.interop.values import PageError

__all__ = ["Tab"]


class Tab:
    """One browser context with one page.

    Attributes:
        name: For reports.
        trace: What went over its WebSockets.
        console: Errors and warnings.
    """

    def __init__(self, chromium: Chromium, name: str) -> None:
        self.name = name
        self.trace = Trace()
        self.console: list[str] = []
        self._chromium = chromium
        self._page: Page | None = None
        self._listeners: dict[Any, Callable[..., None]] = {
            "console": self._write_console,
            "pageerror": self._write_error,
            "websocket": self._follow,
        }

    # ------------------------------------------------------------ life

    async def open(self, url: str | None = None) -> None:
        """Load the test page in a new context."""
        await self._chromium.run(self._open(url or f"{self._chromium.origin}/page/index.html"))

    async def close(self) -> None:
        """Leave the page: it vanishes without a word, as when somebody closes it."""
        if self._page is not None:
            page, self._page = self._page, None
            await self._chromium.run(self._close(page))

    async def _open(self, url: str) -> None:
        self._page = await self._chromium.borrow()
        for event, listener in self._listeners.items():
            self._page.on(event, listener)
        await self._page.goto(url)

    async def _close(self, page: Page) -> None:
        for event, listener in self._listeners.items():
            page.remove_listener(event, listener)
        await self._chromium.give_back(page)

    def _write_error(self, error: object) -> None:
        self.console.append(f"uncaught: {error}")

    def _write_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(f"{message.type}: {message.text}")

    def _follow(self, socket: WebSocket) -> None:
        path = urlsplit(socket.url).path
        self.trace.add("o", path, f"open {path}")
        socket.on("framesent", lambda text: self.trace.add("<", path, text))
        socket.on("framereceived", lambda text: self.trace.add(">", path, text))
        socket.on("close", lambda _: self.trace.add("x", path, f"closed {path}"))

    # ------------------------------------------------------------ programs

    async def run(self, function: str, argument: Any = None, *, deadline: float = DEADLINE) -> Any:
        """Call a JavaScript function of (room, harness, argument) and return what it returns.

        Raises:
            PageError: It raised or rejected.
        """
        outcome = await self.evaluate(
            f"argument => window.harness.call({function}, argument)", argument, deadline
        )
        if "error" in outcome:
            raise PageError(outcome)
        return outcome["value"]

    async def until(
        self, function: str, argument: Any = None, *, deadline: float = DEADLINE
    ) -> Any:
        """Wait until a JavaScript function of (room, harness, argument) gives something true.

        Raises:
            AssertionError: It does not in time.
        """
        end = time.monotonic() + deadline
        value: Any = None
        while time.monotonic() < end:
            value = await self.run(function, argument)
            if value:
                return value
            await self.pause()
        raise AssertionError(f"{self.name}: {function} stayed {value!r}")

    async def pause(self, milliseconds: int = 50) -> None:
        """Let the page go on for a moment, between two looks at it."""
        await self.evaluate(
            "milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))",
            milliseconds,
        )

    # ------------------------------------------------------------ reports

    def report(self, screenshot: Path) -> str:
        """All that may explain a failure; blocks, and leaves a screenshot."""
        parts = ["console:", *self.console]
        if self._page is not None:
            try:
                self._chromium.run_now(self._page.screenshot(path=screenshot), deadline=5)
                parts += [f"screenshot: {screenshot}", *self._report_page(self._page)]
            except Exception as error:
                parts.append(f"the page does not answer: {error}")
        return "\n".join([*parts, "signaling:", self.trace.text()])

    def _report_page(self, page: Page) -> Iterator[str]:
        kept = self._chromium.run_now(
            page.evaluate("() => ({entries: window.harness.journal.entries, tapped})"), deadline=5
        )
        yield "data channels:"
        for item in kept["tapped"]:
            yield f"{item['at']:7d} {item['direction']} {item['label'][:8]} {item['content']}"
        yield "events:"
        for item in kept["entries"]:
            yield f"{item['at']:7d} {item['emitter']} {item['event']} {item['args']}"

    async def evaluate(self, script: str, argument: Any = None, deadline: float = DEADLINE) -> Any:
        assert self._page is not None, f"{self.name} has no page"
        return await self._chromium.run(self._page.evaluate(script, argument), deadline=deadline)
