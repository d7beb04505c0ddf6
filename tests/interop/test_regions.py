"""Host names instead of an option: the SDK with nothing changed but where its names lead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.interop.chromium import Chromium
from tests.interop.page import Page
from tests.interop.stage import FOLDER, STAGES, Stage, stage
from tests.interop.values import PageError
from tests.support.tls import self_signed


@pytest.fixture
async def redirected(
    chromium: Chromium, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A stage whose browser finds the vendor's host names at our service."""
    async with stage(chromium, **self_signed(tmp_path)) as opened, _browser(opened) as browser:
        opened.chromium = browser
        request.node.stash[STAGES] = [opened]
        request.node.stash[FOLDER] = tmp_path
        yield opened
        for page in opened.pages:
            await page.close()


@asynccontextmanager
async def _browser(opened: Stage) -> AsyncIterator[Chromium]:
    browser = Chromium(
        f"--host-resolver-rules=MAP *.twilio.com 127.0.0.1:{opened.server.port}",
        "--ignore-certificate-errors",
        origin=opened.chromium.origin,
    )
    await asyncio.to_thread(browser.start)
    try:
        yield browser
    finally:
        await asyncio.to_thread(browser.close)


async def _unchanged(redirected: Stage) -> Page:
    """A page whose options name no server."""
    page = await redirected.page("alice")
    for name in ("wsServer", "wsServerInsights"):
        del page.options[name]
    return page


@pytest.mark.parametrize("region", [None, "ie1"])
async def test_the_vendors_host_names_lead_to_the_service(
    redirected: Stage, region: str | None
) -> None:
    page = await _unchanged(redirected)
    options: dict[str, Any] = {} if region is None else {"region": region}
    joined = await page.connect(**options)
    assert joined["state"] == "connected"


async def test_a_region_that_there_is_not(redirected: Stage) -> None:
    page = await _unchanged(redirected)
    with pytest.raises(PageError) as caught:
        await page.connect(region="nowhere1")
    assert caught.value.code == 53000
