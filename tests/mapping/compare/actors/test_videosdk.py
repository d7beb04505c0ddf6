"""A VideoSDK-shaped program does what a Twilio program does, but for what is explained."""

from __future__ import annotations

import pytest

from mapping.compare import (
    FindingKind,
    RunOptions,
    Trace,
    compare,
    failure_text,
    find_scenario,
    packaged_scenarios,
    run_scenario,
)
from mapping.compare.actors.videosdk import track_names
from mapping.compare.scenario_files import FOLDER

# Who comes late to a muted participant finds no stream, and waits for one in vain.
WITHOUT_COUNTERPART = {"late-joiner"}


@pytest.mark.parametrize("name", sorted(set(packaged_scenarios()) - WITHOUT_COUNTERPART))
async def test_what_is_different_is_explained(name: str) -> None:
    scenario = find_scenario(name)
    golden = Trace.read(FOLDER / "golden" / f"{name}.jsonl")
    comparison = compare(golden, await run_scenario(scenario, "videosdk"), scenario)
    assert comparison.is_alike, failure_text(comparison)
    assert comparison.steps == len(scenario.steps)
    assert comparison.explained


async def test_what_has_no_counterpart_is_different() -> None:
    scenario = find_scenario("late-joiner")
    golden = Trace.read(FOLDER / "golden" / "late-joiner.jsonl")
    trace = await run_scenario(scenario, "videosdk", RunOptions(within=1.5))
    comparison = compare(golden, trace, scenario)
    assert FindingKind.UNMET in {one.kind for one in comparison.findings}


def test_tracks_are_called_what_the_scenario_calls_them() -> None:
    assert track_names(find_scenario("late-joiner")) == {
        ("ann", "video"): "camera",
        ("ann", "audio"): "voice",
        ("ben", "video"): "camera",
    }
