"""A VideoSDK-shaped program does what a Twilio program does, but for what is explained."""

from __future__ import annotations

import pytest

from mapping.compare import (
    Trace,
    compare,
    failure_text,
    find_scenario,
    packaged_scenarios,
    run_scenario,
)
from mapping.compare.actors.base import Place
from mapping.compare.actors.videosdk import VideoSdkActor, track_names
from mapping.compare.scenario import Expectation, Seat
from mapping.compare.scenario_files import FOLDER


@pytest.mark.parametrize("name", packaged_scenarios())
async def test_what_is_different_is_explained(name: str) -> None:
    scenario = find_scenario(name)
    golden = Trace.read(FOLDER / "golden" / f"{name}.jsonl")
    comparison = compare(golden, await run_scenario(scenario, "videosdk"), scenario)
    assert comparison.is_alike, failure_text(comparison)
    assert comparison.steps == len(scenario.steps)
    assert comparison.explained


def test_the_stream_of_who_is_muted_is_not_waited_for() -> None:
    actor = VideoSdkActor({("ann", "audio"): "voice"}, Seat("cam", "cam", "room"), Place("", ""),
                          lambda _event, _args: None)  # fmt: skip
    for event in ("trackSubscribed", "trackUnsubscribed"):
        voice = Expectation("cam", event, of="ann", track="voice")
        assert actor.can_hear(voice, set())
        assert not actor.can_hear(voice, {("ann", "voice")})


def test_tracks_are_called_what_the_scenario_calls_them() -> None:
    assert track_names(find_scenario("late-joiner")) == {
        ("ann", "video"): "camera",
        ("ann", "audio"): "voice",
        ("ben", "video"): "camera",
    }
