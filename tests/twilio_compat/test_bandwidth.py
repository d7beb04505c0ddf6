from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.facts import Priority
from acs_core.core.receiving import BandwidthMode, BandwidthProfile, Dimensions, SwitchOffMode
from twilio_compat.bandwidth import (
    BandwidthOptions,
    ControlMode,
    read_bandwidth_profile,
    read_render_dimensions,
)
from twilio_compat.connect_options import read_connect_options


def read(**video: Any) -> BandwidthOptions:
    options = read_bandwidth_profile({"video": video})
    assert options is not None
    return options


def test_without_the_option_nothing_is_switched_off() -> None:
    assert read_connect_options(None, {}).bandwidth_profile is None


@pytest.mark.parametrize("bag", [{}, {"video": {}}, {"video": {"mode": "grid"}}])
def test_defaults_are_twilios(bag: object) -> None:
    options = read_bandwidth_profile(bag)
    profile = BandwidthProfile(speaker_priority=Priority.STANDARD)
    assert options == BandwidthOptions(profile=profile)
    assert options.switch_off is options.content is ControlMode.AUTO
    assert read_bandwidth_profile(options) is options


def test_everything_has_its_place() -> None:
    options = read_connect_options(
        {
            "bandwidthProfile": {
                "video": {
                    "mode": "presentation",
                    "maxTracks": 3,
                    "maxSubscriptionBitrate": 2_400_000,
                    "dominantSpeakerPriority": "high",
                    "trackSwitchOffMode": "detected",
                    "renderDimensions": {
                        "high": {"width": 1280, "height": 720},
                        "low": {"width": 0, "height": -1},
                        "standard": {"width": 640},
                    },
                }
            }
        },
        {},
    ).bandwidth_profile
    assert options is not None
    assert options.profile == BandwidthProfile(
        mode=BandwidthMode.PRESENTATION,
        max_bitrate_bps=2_400_000,
        max_tracks=3,
        speaker_priority=Priority.HIGH,
        switch_off=SwitchOffMode.DETECTED,
        sizes={
            Priority.HIGH: Dimensions(width=1280, height=720),
            Priority.LOW: Dimensions(width=1, height=1),
        },
    )
    assert (options.switch_off, options.content) == (None, None)


def test_modes_are_chosen() -> None:
    options = read(clientTrackSwitchOffControl="manual", content_preferences_mode="manual")
    assert (options.switch_off, options.content) == (ControlMode.MANUAL, ControlMode.MANUAL)


@pytest.mark.parametrize("number", [0, -1, None])
def test_zero_and_less_is_no_limit(number: int | None) -> None:
    profile = read(maxTracks=number, maxSubscriptionBitrate=number).profile
    assert (profile.max_tracks, profile.max_bitrate_bps) == (None, None)


@pytest.mark.parametrize(
    ("bag", "message"),
    [
        (3, "options.bandwidthProfile must be an object"),
        ({"video": 3}, "options.bandwidthProfile.video must be an object"),
        ({"audio": {}}, "options.bandwidthProfile has no key 'audio'"),
        ({"video": {"maxTracks": "3"}}, "video.maxTracks must be a number"),
        ({"video": {"maxTracks": True}}, "video.maxTracks must be a number"),
        ({"video": {"maxSubscriptionBitrate": float("nan")}}, "Bitrate must be a number"),
        ({"video": {"renderDimensions": "auto"}}, "renderDimensions must be an object"),
        ({"video": {"renderDimensions": {"high": 3}}}, "renderDimensions.high must be an object"),
        (
            {"video": {"renderDimensions": {"high": {"width": "3"}}}},
            "renderDimensions.high.width must be a number",
        ),
        (
            {"video": {"maxTracks": 1, "clientTrackSwitchOffControl": "auto"}},
            "maxTracks is deprecated. Use options.bandwidthProfile.video.clientTrackSwitchOff",
        ),
        (
            {"video": {"renderDimensions": {}, "contentPreferencesMode": "auto"}},
            "renderDimensions is deprecated. Use options.bandwidthProfile.video.contentPref",
        ),
    ],
)
def test_wrong_types_are_refused(bag: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        read_bandwidth_profile(bag)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("mode", "grid, collaboration, presentation"),
        ("dominantSpeakerPriority", "low, standard, high"),
        ("trackSwitchOffMode", "predicted, detected, disabled"),
        ("clientTrackSwitchOffControl", "auto, manual"),
        ("contentPreferencesMode", "auto, manual"),
    ],
)
@pytest.mark.parametrize("value", ["other", 3, {}])
def test_values_that_there_are_not_are_refused(key: str, values: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"video.{key} must be one of {values}"):
        read(**{key: value})


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="impossible"):
        read_render_dimensions("size", {"width": 10**6, "height": 1})


_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9))


@given(
    st.dictionaries(
        st.sampled_from(["mode", "maxTracks", "renderDimensions", "maxSubscriptionBitrate"]),
        st.one_of(_VALUES, st.dictionaries(st.sampled_from(["high", "low", "x"]), _VALUES)),
    )
)
def test_any_bag_is_read_or_refused(video: dict[str, Any]) -> None:
    try:
        options = read(**video)
    except (TypeError, ValueError):
        return
    assert isinstance(options, BandwidthOptions)
