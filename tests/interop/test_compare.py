"""The packaged scenarios with the vendor's unmodified client, side by side with the facade."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from mapping.compare import (
    RunOptions,
    Trace,
    compare,
    failure_text,
    find_scenario,
    packaged_scenarios,
    run_scenario,
)
from mapping.compare.actors.page import open_pages
from mapping.compare.scenario import Timing
from mapping.compare.scenario_files import FOLDER
from tests.interop.chromium import SDK

QUICK = ("mute-video", "data-messages", "late-joiner")
"""What is compared each time; all of it takes a minute."""


async def assert_alike(names: Iterable[str]) -> None:
    """Play scenarios in pages, and compare with what the facade did."""
    different = []
    async with open_pages(sdk=str(SDK)) as pages:
        options = RunOptions(within=20.0, makers={"page": pages})
        for name in names:
            # A browser beside other tests takes its time.
            scenario = replace(find_scenario(name), timing=Timing(slack=30.0))
            trace = await run_scenario(scenario, "page", options)
            golden = Trace.read(FOLDER / "golden" / f"{name}.jsonl")
            comparison = compare(golden, trace, scenario)
            if not comparison.is_alike or comparison.steps < len(scenario.steps):
                different.append(failure_text(comparison))
    assert not different, "\n".join(different)


async def test_the_vendors_client_does_what_the_facade_did() -> None:
    await assert_alike(QUICK)


@pytest.mark.proof
@pytest.mark.timeout(240)
async def test_the_vendors_client_does_what_the_facade_did_in_all_scenarios() -> None:
    await assert_alike(packaged_scenarios())
