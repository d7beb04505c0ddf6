from __future__ import annotations

import pytest

from mapping.public_names import bases, members, public_names, resolve, snake
from twilio_compat import ConnectOptions, LiveMap, LocalVideoTrack, MediaImplementationOptions


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("dominantSpeaker", "dominant_speaker"),
        ("toJSON", "to_json"),
        ("MediaStream", "media_stream"),
        ("RTCPeerConnection", "rtc_peer_connection"),
        ("on", "on"),
    ],
)
def test_names_have_pythons_spelling(name: str, ours: str) -> None:
    assert snake(name) == ours


@pytest.mark.parametrize(
    "path",
    [
        "connect",
        "Room.participants",
        "LocalVideoTrack.attach",
        "ConnectOptions.dominant_speaker",
        "RoomEvent.DISCONNECTED",
        "TrackStats.trackSid",
        "preflight_report.Stats.min",
    ],
)
def test_what_is_there_is_found(path: str) -> None:
    assert resolve("twilio_compat", path) is not None


@pytest.mark.parametrize("path", ["disconnect", "Room.color", "Room.participants.size", "a.b"])
def test_what_is_not_there_is_not_found(path: str) -> None:
    assert resolve("twilio_compat", path) is None


def test_members_are_those_of_the_class_itself_in_one_spelling() -> None:
    assert set(members(LiveMap)) == {"size", "has", "entries", "for_each"}


def test_public_names_have_members_where_they_are_wanted() -> None:
    names = set(public_names("twilio_compat", with_members=True))
    assert {"connect", "Room", "Room.participants", "TrackKind"} <= names
    assert not {"Room.local_participant.sid", "TrackKind.AUDIO", "Room._emit"} & names
    assert "Call.hang_up" not in set(public_names("acs_core", with_members=False))


def test_a_typed_dictionary_extends_those_whose_keys_it_has() -> None:
    assert MediaImplementationOptions in set(bases(ConnectOptions))
    assert {kind.__name__ for kind in bases(LocalVideoTrack)} >= {"VideoTrack", "EventEmitter"}
