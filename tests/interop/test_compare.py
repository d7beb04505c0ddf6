"""The packaged scenarios with the vendor's unmodified client, side by side with the facade."""

from __future__ import annotations

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


@pytest.mark.timeout(240)
async def test_the_vendors_client_does_what_the_facade_did() -> None:
    different = []
    async with open_pages(sdk=str(SDK)) as pages:
        options = RunOptions(within=20.0, makers={"page": pages})
        for name in packaged_scenarios():
            # A browser beside other tests takes its time.
            scenario = replace(find_scenario(name), timing=Timing(slack=30.0))
            trace = await run_scenario(scenario, "page", options)
            golden = Trace.read(FOLDER / "golden" / f"{name}.jsonl")
            comparison = compare(golden, trace, scenario)
            if not comparison.is_alike or comparison.steps < len(scenario.steps):
                different.append(failure_text(comparison))
    assert not different, "\n".join(different)
