from __future__ import annotations

import logging
from typing import Any

import pytest

from acs_core import InvalidArgumentError
from acs_core.media.sources import PatternSource, ToneSource
from mapping.videosdk.options import MeetingSettings, read_meeting_options


def test_the_declarations_defaults_hold() -> None:
    # VideoSDK's guide says that microphone and camera are on, and that a name is required.
    assert read_meeting_options({"meetingId": "daily"}, {}) == MeetingSettings("daily")
    settings = MeetingSettings("daily")
    assert (settings.name, settings.mic_enabled, settings.webcam_enabled) == ("", False, False)


def test_bag_and_keywords_say_the_same() -> None:
    tone, picture = ToneSource(), PatternSource()
    given = {
        "name": "Ann",
        "micEnabled": True,
        "webcamEnabled": True,
        "customMicrophoneAudioTrack": tone,
        "customCameraVideoTrack": picture,
        "signalingBaseUrl": "http://127.0.0.1:7780",
        "autoConsume": True,
        "mode": "SEND_AND_RECV",
    }
    wanted = MeetingSettings("daily", "Ann", True, True, tone, picture, "http://127.0.0.1:7780")
    assert read_meeting_options({"meetingId": "daily"} | given, {}) == wanted
    assert read_meeting_options({"meetingId": "daily"}, given) == wanted
    assert read_meeting_options(None, {"meetingId": "daily"} | given) == wanted


def test_options_without_effect_are_accepted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    given = {"meetingId": "daily", "multiStream": True, "debugMode": None, "maxResolution": "hd"}
    with caplog.at_level(logging.INFO, "mapping.videosdk.options"):
        assert read_meeting_options(given, {}) == MeetingSettings("daily")
    assert [record.getMessage().split()[1] for record in caplog.records] == [
        "multiStream",
        "maxResolution",
    ]


def test_a_refused_option_that_is_none_is_none() -> None:
    given = {"meetingId": "daily", "participantId": None, "metaData": None}
    assert read_meeting_options(given, {}) == MeetingSettings("daily")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs a meetingId"),
        ({"meetingId": ""}, "needs a meetingId"),
        ({"meetingId": 5}, "meetingId of initMeeting is a str"),
        ({"meetingId": "d", "micEnabled": "yes"}, "micEnabled of initMeeting is a bool"),
        ({"meetingId": "d", "webCamEnabled": True}, "Did you mean 'webcamEnabled'"),
        ({"meetingId": "d", "xyz": 1}, "Known: autoConsume, "),
        ({"meetingId": "d", "participantId": "p1"}, "localParticipant.id after joining"),
        ({"meetingId": "d", "metaData": {}}, "Meeting.send after joining"),
        ({"meetingId": "d", "autoConsume": False}, "Stream.pause"),
        ({"meetingId": "d", "mode": "RECV_ONLY"}, "to be a viewer"),
        ({"meetingId": "d", "customCameraVideoTrack": 5}, "source of video"),
    ],
)
def test_what_cannot_be_done_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        read_meeting_options(options, {})


async def test_a_source_of_the_other_kind_is_refused() -> None:
    given = {"meetingId": "d", "customMicrophoneAudioTrack": PatternSource()}
    with pytest.raises(InvalidArgumentError, match="source of audio"):
        read_meeting_options(given, {})


def test_an_option_is_given_once() -> None:
    with pytest.raises(InvalidArgumentError, match="meetingId twice"):
        read_meeting_options({"meetingId": "d"}, {"meetingId": "d"})
