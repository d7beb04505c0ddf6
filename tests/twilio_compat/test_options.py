from __future__ import annotations

import pytest

from twilio_compat.options import (
    ConnectOptions,
    NetworkQualityConfiguration,
    TrackOptions,
    TrackPriority,
    priority_from,
    read_connect_options,
    read_data_track_options,
    read_network_quality,
    read_publish_options,
    read_track_options,
)


def test_defaults_are_twilios() -> None:
    options = read_connect_options(None, {})
    assert options == ConnectOptions(audio=TrackOptions(), video=TrackOptions())
    assert options.automatic_subscription
    assert not options.dominant_speaker


def test_a_bag_and_keywords_say_the_same() -> None:
    bag = {"name": "lobby", "audio": False, "dominantSpeaker": True, "networkQuality": True}
    keywords = {"name": "lobby", "audio": False, "dominant_speaker": True, "network_quality": True}
    assert read_connect_options(bag, {}) == read_connect_options(None, keywords)


def test_an_unknown_key_is_refused_with_a_suggestion() -> None:
    with pytest.raises(TypeError, match="Did you mean 'dominant_speaker'"):
        read_connect_options({"dominantSpeakr": True}, {})
    with pytest.raises(TypeError, match="Known: "):
        read_connect_options({"qqqqqqqq": True}, {})


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(TypeError, match="given twice"):
        read_connect_options({"dominantSpeaker": True}, {"dominant_speaker": True})


@pytest.mark.parametrize(
    "bag",
    [3, {"name": 3}, {"audio": 3}, {"dominantSpeaker": 1}, {"tracks": "x"}, {"tracks": 3}],
)
def test_wrong_types_are_refused(bag: object) -> None:
    with pytest.raises(TypeError):
        read_connect_options(bag, {})


def test_options_of_later_versions_are_accepted_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    read_connect_options({"preferredVideoCodecs": ["VP8"], "region": "gll"}, {})
    assert "preferredVideoCodecs has no effect" in caplog.text
    assert "region" not in caplog.text


def test_constraints_may_be_exact_or_ideal() -> None:
    options = read_track_options(
        {"width": {"ideal": 640}, "frameRate": 15, "deviceId": {"exact": "x"}, "name": "cam"}, {}
    )
    assert options == TrackOptions(width=640, frame_rate=15.0, device_id="x", name="cam")


def test_track_options_of_connect_may_be_objects() -> None:
    options = read_connect_options({"video": {"source": "pattern"}, "audio": TrackOptions()}, {})
    assert options.video == TrackOptions(source="pattern")
    assert options.audio == TrackOptions()


def test_a_color_is_three_numbers() -> None:
    assert read_track_options({"color": [1, 2, 3]}, {}).color == (1, 2, 3)


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
    assert read_publish_options(None, None) is TrackPriority.STANDARD
    assert read_publish_options({"priority": "high"}, None) is TrackPriority.HIGH
    assert read_publish_options(None, "low") is TrackPriority.LOW
    with pytest.raises(ValueError, match="priority must be one of low, standard, high"):
        priority_from("urgent")
