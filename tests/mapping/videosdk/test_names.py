from __future__ import annotations

from mapping.load import names, rows
from mapping.model import Parity, Vendor
from mapping.videosdk.names import provided_names, refused_names


def test_each_name_is_provided_or_refused_and_none_is_both() -> None:
    provided, refused = provided_names(), refused_names()
    assert not provided & refused.keys()
    assert provided >= {
        "VideoSDK.config",
        "VideoSDK.initMeeting.meetingId",
        "Meeting.join",
        "Meeting.on",
        "Meeting#participant-joined",
        "Participant.displayName",
        "Participant#stream-enabled",
        "Stream.pause",
        "pubSub.publish",
        "message.senderId",
        "Errors.INVALID_TOKEN",
        "leaveReason.MANUAL_LEAVE_CALLED",
    }
    assert refused.keys() >= {
        "Meeting.startRecording",
        "Participant.pin",
        "VideoSDK.getCameras",
        "VideoSDK.initMeeting.participantId",
    }


def test_who_is_refused_is_told_what_to_do() -> None:
    assert all(instead.endswith(".") for instead in refused_names().values())


def test_what_is_ours_alone_is_no_name_of_videosdks() -> None:
    assert not provided_names() & {"Meeting.aclose", "Meeting.emit", "Meeting.EVENTS"}


def test_the_facade_has_only_videosdks_names() -> None:
    known = set(names()["videosdk-1.1.1"])
    assert provided_names() | refused_names().keys() <= known


def test_the_rows_promise_what_the_facade_has_and_nothing_else() -> None:
    promised = {
        row.name
        for row in rows(Vendor.VIDEOSDK)
        if row.parity.get("videosdk", Parity.NO) is not Parity.NO
    }
    assert promised == provided_names()
