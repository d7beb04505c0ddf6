from __future__ import annotations

import pytest

from twilio_compat.option_types import DefaultDeviceCaptureMode
from twilio_compat.options import (
    NetworkQualityConfiguration,
    PublishOptions,
    TrackOptions,
    TrackPriority,
    priority_from,
    read_data_track_options,
    read_network_quality,
    read_publish_options,
    read_track_options,
)


def test_constraints_may_be_exact_or_ideal() -> None:
    options = read_track_options(
        {"width": {"ideal": 640}, "frameRate": 15, "deviceId": {"exact": "x"}, "name": "cam"}, {}
    )
    assert options == TrackOptions(width=640, frame_rate=15.0, device_id="x", name="cam")


def test_a_color_is_three_numbers() -> None:
    assert read_track_options({"color": [1, 2, 3]}, {}).color == (1, 2, 3)
    for wrong in ("red", {}, (1,), (1, 2, 3.5), (True, 0, 0)):
        with pytest.raises(TypeError, match="color must be three integers"):
            read_track_options({"color": wrong}, {})
    with pytest.raises(ValueError, match="from 0 to 255"):
        read_track_options({"color": (256, 0, 0)}, {})


def test_data_tracks_take_one_limit() -> None:
    assert read_data_track_options({"maxRetransmits": 3}, {}).max_retransmits == 3
    with pytest.raises(TypeError, match="must not both"):
        read_data_track_options({"maxRetransmits": 3, "maxPacketLifeTime": 3}, {})


@pytest.mark.feature("NQ-001")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (False, None),
        (None, None),
        (True, NetworkQualityConfiguration(local=1, remote=0)),
        ({"local": 3, "remote": 1}, NetworkQualityConfiguration(local=3, remote=1)),
        ({"local": 0, "remote": 9}, NetworkQualityConfiguration(local=1, remote=0)),
        (
            NetworkQualityConfiguration(local=2, remote=2),
            NetworkQualityConfiguration(local=2, remote=2),
        ),
    ],
)
def test_network_quality(value: object, expected: object) -> None:
    assert read_network_quality(value) == expected


def test_network_quality_must_be_an_object() -> None:
    with pytest.raises(TypeError, match="networkQuality must be an object"):
        read_network_quality("all")


def test_priorities() -> None:
    assert read_publish_options(None, {}).priority is TrackPriority.STANDARD
    assert read_publish_options({"priority": None}, {}).priority is TrackPriority.STANDARD
    assert read_publish_options({"priority": "high"}, {}).priority is TrackPriority.HIGH
    assert read_publish_options(None, {"priority": "low"}).priority is TrackPriority.LOW
    with pytest.raises(ValueError, match="priority must be one of low, standard, high"):
        priority_from("urgent")


def test_a_source_may_be_given_a_name_when_it_is_published() -> None:
    options = read_publish_options({"name": "cam", "logLevel": None}, {})
    assert options == PublishOptions(name="cam")
    with pytest.raises(TypeError, match="has no key 'nmae'"):
        read_publish_options({"nmae": "cam"}, {})


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("echoCancellation", "What is captured is taken as it comes."),
        ("facingMode", "Say with `source` where a track comes from."),
        ("getUserMedia", "Say with `source` where a track comes from."),
        ("MediaStream", "Say with `source` where a track comes from."),
    ],
)
def test_what_only_a_browser_can_do_is_warned_of(
    key: str, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    read_track_options({key: None}, {})
    assert not caplog.text
    assert read_track_options({key: "x"}, {}) == TrackOptions()
    assert f"options.{key} has no effect here. {advice}" in caplog.text


def test_modes_are_enumerated() -> None:
    given = {"defaultDeviceCaptureMode": DefaultDeviceCaptureMode.MANUAL}
    assert read_track_options(given, {}).default_device_capture_mode == "manual"
    with pytest.raises(ValueError, match="must be one of auto, manual"):
        read_track_options({"defaultDeviceCaptureMode": "never"}, {})
