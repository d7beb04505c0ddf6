from __future__ import annotations

import logging

import pytest

from acs_core.models import IceServer, IceTransportPolicy, NetworkConfiguration, TurnConfiguration
from twilio_compat.connect_options import (
    ConnectRequest,
    TracksRequest,
    read_connect_options,
    read_tracks_options,
)
from twilio_compat.lifecycle import EventListener
from twilio_compat.option_types import ConnectOptions, NotifyWarning
from twilio_compat.options import NetworkQualityConfiguration, TrackOptions

EVERYTHING = TracksRequest(audio=TrackOptions(), video=TrackOptions())


def test_defaults_are_twilios() -> None:
    options = read_connect_options(None, {})
    assert options == ConnectRequest(media=EVERYTHING)
    assert options.automatic_subscription
    assert not options.dominant_speaker
    assert not options.receive_transcriptions
    assert options.network_quality is None
    assert options.bandwidth_profile is None
    assert options.network == NetworkConfiguration()
    assert options.warnings == frozenset()
    assert options.sending.codecs.dtx
    assert (options.sending.limits.audio, options.sending.limits.video) == (None, None)


def test_what_is_null_in_twilios_defaults_may_be_given_as_none() -> None:
    bag = dict.fromkeys(
        (
            "name", "eventListener", "maxAudioBitrate", "maxVideoBitrate", "bandwidthProfile",
            "networkQuality", "notifyWarnings", "preferredAudioCodecs", "preferredVideoCodecs",
            "iceServers", "iceTransportPolicy", "logLevel", "loggerName", "region", "tracks",
        )
    )  # fmt: skip
    assert read_connect_options(bag, {}) == ConnectRequest(media=EVERYTHING)


def test_a_bag_keywords_and_the_option_class_say_the_same() -> None:
    bag = {"name": "lobby", "audio": False, "dominantSpeaker": True, "networkQuality": True}
    keywords = {"name": "lobby", "audio": False, "dominant_speaker": True, "network_quality": True}
    made = ConnectOptions(name="lobby", audio=False, dominantSpeaker=True, network_quality=True)
    assert read_connect_options(bag, {}) == read_connect_options(None, keywords)
    assert read_connect_options(bag, {}) == read_connect_options(made, {})
    assert read_connect_options(bag, {}) == read_connect_options(None, bag)


FLAGS = {
    spelling
    for name in (
        "automaticSubscription",
        "dominantSpeaker",
        "dscpTagging",
        "enableDscp",
        "receiveTranscriptions",
    )
    for spelling in (name, "".join(f"_{c.lower()}" if c.isupper() else c for c in name))
}


def test_every_key_of_the_option_class_is_read() -> None:
    refused = {}
    for key in ConnectOptions.__annotations__:
        try:
            read_connect_options({key: None}, {})
        except TypeError as error:
            refused[key] = str(error)
    # None is no value of these, and says so.
    assert refused.keys() <= FLAGS | {"audio", "video", "insights"}
    assert all("boolean" in told for told in refused.values()), refused


@pytest.mark.parametrize("key", sorted(FLAGS | {"insights"}))
def test_switches_are_booleans(key: str) -> None:
    read_connect_options({key: True}, {})
    with pytest.raises(TypeError, match="must be a boolean"):
        read_connect_options({key: "yes"}, {})


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
    [
        3,
        {"name": 3},
        {"audio": 3},
        {"tracks": "x"},
        {"tracks": 3},
        {"maxAudioBitrate": "many"},
        {"maxVideoBitrate": True},
        {"notifyWarnings": "recording-media-lost"},
        {"eventListener": 3},
        {"region": 3},
        {"loggerName": 3},
        {"logLevel": 3},
        {"serviceUrl": 3},
    ],
)
def test_wrong_types_are_refused(bag: object) -> None:
    with pytest.raises(TypeError):
        read_connect_options(bag, {})


@pytest.mark.parametrize(
    ("bag", "message"),
    [
        ({"maxAudioBitrate": -1}, "maxAudioBitrate must not be below zero"),
        ({"notifyWarnings": ["rain"]}, "must be one of recording-media-lost"),
        ({"logLevel": "loud"}, "level must be one of debug, error, info, off, warn"),
        ({"iceTransportPolicy": "some"}, "must be one of all, relay"),
    ],
)
def test_values_that_there_are_not_are_refused(bag: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_connect_options(bag, {})


def test_track_options_may_be_objects() -> None:
    options = read_connect_options({"video": {"source": "pattern"}, "audio": TrackOptions()}, {})
    assert options.media == TracksRequest(
        audio=TrackOptions(), video=TrackOptions(source="pattern")
    )
    assert options.media == read_tracks_options({"video": {"source": "pattern"}}, {})


def test_tracks_can_be_made_of_few_options_only() -> None:
    with pytest.raises(TypeError, match="has no key 'dominantSpeaker'"):
        read_tracks_options({"dominantSpeaker": True}, {})


def test_what_only_a_browser_has_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    read_connect_options({"RTCPeerConnection": object, "getUserMedia": None}, {})
    assert "options.RTCPeerConnection has no effect here. Media connections are" in caplog.text
    assert "getUserMedia" not in caplog.text


def test_there_is_one_region(caplog: pytest.LogCaptureFixture) -> None:
    read_connect_options({"region": "gll"}, {})
    assert not caplog.text
    read_connect_options({"region": "us1"}, {})
    assert "there is one place here" in caplog.text


def test_warnings_are_asked_for_by_name() -> None:
    options = read_connect_options(None, {"notify_warnings": ["recording-media-lost"]})
    assert options.warnings == {NotifyWarning.RECORDING_MEDIA_LOST}


def test_servers_and_policy_may_stand_in_rtc_configuration() -> None:
    turn = {"urls": ["turn:a:3478", "turns:a"], "username": "u", "credential": "p"}
    expected = NetworkConfiguration(
        turn=TurnConfiguration((IceServer(("turn:a:3478", "turns:a"), "u", "p"),)),
        ice_transport_policy=IceTransportPolicy.RELAY,
    )
    plain = {"iceServers": [turn], "iceTransportPolicy": "relay"}
    assert read_connect_options(plain, {}).network == expected
    assert read_connect_options({"rtcConfiguration": plain}, {}).network == expected
    both = {"rtcConfiguration": {"iceTransportPolicy": "all"}, **plain}
    assert read_connect_options(both, {}).network == expected


def test_packets_are_marked_on_request() -> None:
    assert read_connect_options({"enableDscp": True}, {}).network.is_dscp_enabled
    assert read_connect_options({"dscpTagging": True}, {}).network.is_dscp_enabled


def test_network_quality_may_be_an_object() -> None:
    options = read_connect_options({"networkQuality": {"local": 2, "remote": 1}}, {})
    assert options.network_quality == NetworkQualityConfiguration(local=2, remote=1)


def test_log_levels_are_set_where_they_are_asked_for() -> None:
    own = logging.getLogger("tests.of.options")
    media, whole = logging.getLogger("acs_core.media"), logging.getLogger("twilio_compat")
    before = media.level, whole.level
    try:
        levels = {"default": "error", "media": "debug"}
        read_connect_options({"logLevel": levels, "loggerName": own.name}, {})
        assert (own.level, whole.level) == (logging.ERROR, logging.ERROR)
        assert media.level == logging.DEBUG
    finally:
        media.setLevel(before[0])
        whole.setLevel(before[1])
        logging.getLogger("acs_core").setLevel(logging.NOTSET)


def test_an_event_listener_is_any_emitter() -> None:
    listener = EventListener()
    assert read_connect_options({"eventListener": listener}, {}).event_listener is listener
