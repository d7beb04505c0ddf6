"""A page with the unmodified twilio-video.js: its first picture, and what eight of them cost us.

Needs Chromium, Playwright and the npm package; says what is missing instead of measuring.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from benchmarks.processes import cpu_seconds, python_child, two_cores
from benchmarks.report import Cell, Result, Spread, percentile

__all__ = ["measure_pages"]

HERE: Final = Path(__file__).parent
SDK: Final = Path(
    os.environ.get("TWILIO_VIDEO_DIST", "")
    or HERE.parent / "tests" / "interop" / "node_modules" / "twilio-video" / "dist"
)
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)
SIZE: Final = (320, 240)
RATE: Final = 15
SETTLE: Final = 3.0
TIMEOUT: Final = 60.0
PAUSE: Final = 1.0
"""Seconds between two joins; key frame requests are throttled per publisher."""


async def measure_pages(
    *, times: int = 20, pages: int = 8, seconds: float = 10.0, repetitions: int = 3
) -> Result:
    """Join a room with one publishing page, again and again; then watch it from `pages` pages."""
    lacking = _lacking()
    if lacking:
        return Result("pages", f"not measured: {lacking}", ("figure", "value"), ())
    service_core, _ = two_cores()
    async with (
        python_child("benchmarks.service", core=service_core) as (service, ready),
        _site() as origin,
        _browser() as browser,
    ):
        tokens = iter(ready["access_tokens"])
        options = {"name": "bench", "wsServer": f"{ready['url'].replace('http', 'ws')}/signaling"}
        publisher = await _page(browser, origin)
        await publisher.evaluate(
            "([token, options, ...shape]) => bench.publish(token, options, ...shape)",
            [next(tokens), options, *SIZE, RATE],
        )
        connected, first = await _joins(browser, origin, tokens, options, times)
        watchers = [await _page(browser, origin) for _ in range(pages)]
        for watcher in watchers:
            await _watch(watcher, next(tokens), options)
        await asyncio.sleep(SETTLE)
        cost = [await _cost(service.pid, watchers, seconds) for _ in range(repetitions)]
    rows: tuple[tuple[Cell, ...], ...] = (
        ("connect() resolved, median ms", Spread.of([percentile(connected, 0.5)], 0)),
        ("first picture shown, median ms", Spread.of([percentile(first, 0.5)], 0)),
        ("first picture shown, p95 ms", Spread.of([percentile(first, 0.95)], 0)),
        (f"1 to {pages} pages: CPU % of one core", Spread.of(item[0] for item in cost)),
        (f"1 to {pages} pages: pictures/s in all", Spread.of((item[1] for item in cost), 0)),
    )
    return Result(
        "pages",
        f"twilio-video.js, unmodified, in headless Chromium; {SIZE[0]}x{SIZE[1]}, {RATE} frames/s",
        ("figure", "value"),
        rows,
        (
            f"{times} joins after one that is not counted, {PAUSE:g} s apart; then "
            f"{repetitions} times {seconds:g} s",
            "the CPU is the service's alone, on a core that the browser uses, too",
        ),
    )


async def _joins(
    browser: Any, origin: str, tokens: Any, options: dict[str, Any], times: int
) -> tuple[list[float], list[float]]:
    connected, first = [], []
    token = next(tokens)
    for index in range(times + 1):
        page = await _page(browser, origin)
        await asyncio.sleep(PAUSE)
        found = await _watch(page, token, options)
        await page.evaluate("() => bench.leave()")
        await page.context.close()
        if index:
            connected.append(found["connected"])
            first.append(found["first"])
    return connected, first


async def _watch(page: Any, token: str, options: dict[str, Any]) -> dict[str, float]:
    async with asyncio.timeout(TIMEOUT):
        found: dict[str, float] = await page.evaluate(
            "([token, options]) => bench.watch(token, options)", [token, options]
        )
        return found


async def _cost(pid: int, pages: list[Any], seconds: float) -> tuple[float, float]:
    """The service's processor use in % of a core, and the pictures shown per second."""
    cpu, shown, start = cpu_seconds(pid), await _shown(pages), time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed = time.perf_counter() - start
    used = (cpu_seconds(pid) - cpu) / elapsed
    return 100 * used, (await _shown(pages) - shown) / elapsed


async def _shown(pages: list[Any]) -> int:
    return sum([await page.evaluate("() => bench.frames()") for page in pages])


async def _page(browser: Any, origin: str) -> Any:
    context = await browser.new_context(viewport={"width": 400, "height": 300})
    page = await context.new_page()
    await page.goto(f"{origin}/")
    return page


@contextlib.asynccontextmanager
async def _site() -> AsyncIterator[str]:
    """The page and the SDK, from localhost: a secure context."""
    application = web.Application()
    application.router.add_static("/sdk", SDK)

    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / "page.html")

    application.router.add_get("/", page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _browser() -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        try:
            yield browser
        finally:
            await browser.close()


def _lacking() -> str:
    if shutil.which("chromium") is None:
        return "there is no Chromium (Debian: chromium)"
    if importlib.util.find_spec("playwright") is None:
        return "there is no Playwright (pip: playwright)"
    if not SDK.is_dir():
        return "there is no twilio-video (npm ci in tests/interop, or TWILIO_VIDEO_DIST)"
    return ""
