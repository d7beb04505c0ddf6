"""The browser of the session, the stage of a test, and what a failed test tells."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.interop.chromium import Chromium, missing
from tests.interop.node_side import missing_node
from tests.interop.node_stage import BackEnd, Site, azure_site, check_operations
from tests.interop.node_stage import back_end as open_back_end
from tests.interop.stage import FOLDER, STAGES, MakeStage, Stage
from tests.interop.stage import stage as open_stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.when == "call":
        for stage in item.stash.get(STAGES, []):
            for page in stage.pages:
                picture = item.stash[FOLDER] / f"{page.identity}.png"
                try:
                    text = page.report(picture)
                # The test's time may be over while it is reported, which would end the whole run.
                except (Exception, pytest.fail.Exception) as error:
                    text = f"no report: {error!r}"
                report.sections.append((f"page of {page.identity}", text))
            report.sections.append(("data connections of the service", stage.data_report()))
    return report


@pytest.fixture(scope="session")
def installed() -> None:
    """Skips, or fails where nothing may be missing, unless the browser and the SDK are there."""
    _need(missing())


@pytest.fixture(scope="session")
def node_installed() -> None:
    """The same for Node and the vendors' clients of it, which need no browser."""
    _need(missing_node())


def _need(reason: str | None) -> None:
    if reason is not None and os.environ.get("REQUIRE_INTEROP") == "1":
        pytest.fail(f"REQUIRE_INTEROP is set, and {reason}")
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium(installed: None) -> Iterator[Chromium]:
    """The one browser; every participant has a context of its own in it."""
    browser = Chromium()
    browser.start()
    yield browser
    browser.close()


@pytest.fixture
async def make_stage(
    chromium: Chromium, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[MakeStage]:
    """Opens stages that end after the test: `stage = await make_stage(times=...)`."""
    stages: list[Stage] = []
    request.node.stash[STAGES] = stages
    request.node.stash[FOLDER] = tmp_path
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> Stage:
            stages.append(await stack.enter_async_context(open_stage(chromium, **options)))
            return stages[-1]

        yield make


@pytest.fixture
async def stage(make_stage: MakeStage) -> Stage:
    """A service and nobody in it."""
    return await make_stage()


@pytest.fixture
async def back_end(
    node_installed: None,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[BackEnd]:
    """A service, a Node program with Twilio's helper, and nobody there."""
    monkeypatch.chdir(tmp_path)
    async with open_back_end() as running:
        yield running
        await check_operations(request.node, running.node)


@pytest.fixture
async def site(node_installed: None, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """A service, a Node program with Microsoft's clients, and nobody there."""
    async with azure_site() as running:
        yield running
        await check_operations(request.node, running.node)
