"""The packaged scenarios with the vendor's unmodified client, side by side with the facade."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from playwright.async_api import Error, Page

from mapping.compare import (
    ActorLostError,
    RunOptions,
    Trace,
    compare,
    find_scenario,
    packaged_scenarios,
    run_scenario,
)
from mapping.compare.actors.base import Place
from mapping.compare.actors.page import PageActor, open_pages
from mapping.compare.listening import Hear
from mapping.compare.scenario import Scenario, Seat, Timing
from mapping.compare.scenario_files import FOLDER
from tests.interop.chromium import SDK

Pages: TypeAlias = Callable[[Seat, Place, Hear], PageActor]

QUICK = ("mute-video", "data-messages", "late-joiner")
"""What is compared each time; all of it takes a minute."""


@pytest.fixture
async def pages(installed: None) -> AsyncIterator[Pages]:
    """Makes participants in one browser."""
    async with open_pages(sdk=str(SDK)) as made:
        yield made


def story(name: str) -> Scenario:
    """A packaged scenario; a browser beside other tests takes its time."""
    return replace(find_scenario(name), timing=Timing(slack=30.0))


async def differences(name: str, pages: Pages) -> list[str]:
    """What is different between the vendor's client and what the facade did."""
    scenario = story(name)
    golden = Trace.read(FOLDER / "golden" / f"{name}.jsonl")
    options = RunOptions(within=20.0, makers={"page": pages})
    comparison = compare(golden, await run_scenario(scenario, "page", options), scenario)
    assert comparison.steps == len(scenario.steps)
    return [one.text for one in comparison.findings]


async def test_the_vendors_client_does_what_the_facade_did(pages: Pages) -> None:
    found = {name: await differences(name, pages) for name in QUICK}
    assert found == {name: [] for name in QUICK}


@pytest.mark.proof
@pytest.mark.timeout(240)
async def test_the_vendors_client_does_what_the_facade_did_in_all_scenarios(pages: Pages) -> None:
    found = {name: await differences(name, pages) for name in packaged_scenarios()}
    assert found == {name: [] for name in packaged_scenarios()}


async def crash_browser(page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    session = await browser.new_browser_cdp_session()
    await session.send("Browser.crash")


async def crash_page(page: Page) -> None:
    await page.goto("chrome://crash")


@pytest.mark.parametrize("crash", [crash_browser, crash_page])
async def test_a_browser_or_a_page_that_crashes_is_no_finding(
    pages: Pages, crash: Callable[[Page], Awaitable[None]]
) -> None:
    class Crashing(PageActor):
        """Takes the browser or its own page along when it leaves."""

        async def leave(self) -> Any:
            assert self._page is not None
            with contextlib.suppress(Error):  # Nothing is left that could answer.
                await crash(self._page)
            return await super().leave()

    def crashing(seat: Seat, place: Place, hear: Hear) -> PageActor:
        made = pages(seat, place, hear)
        return Crashing(made._context, made._url, seat, place, hear)

    options = RunOptions(makers={"page": crashing})
    with pytest.raises(ActorLostError, match="ben's page failed"):
        await run_scenario(story("join-leave"), "page", options)


async def test_a_browser_that_does_not_start_is_told(installed: None) -> None:
    with pytest.raises(ActorLostError, match="false does not start"):
        async with open_pages(chromium="false", sdk=str(SDK)):
            pass
