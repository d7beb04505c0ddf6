from __future__ import annotations

from pathlib import Path

import pytest

from mapping import load
from mapping.concepts import CallType, load_concepts
from mapping.features import load_features
from mapping.load import MappingDataError
from mapping.model import Vendor
from mapping.parity import ROOT

CONCEPTS = load_concepts()
TERMS = {term.word: term for term in CONCEPTS.terms}
OUTSIDE = {row.id: row for row in CONCEPTS.outside}


def test_names_that_a_term_joins_have_rows() -> None:
    of_acs = (Vendor.ACS_CALLING, Vendor.ACS_COMMON)
    for term in CONCEPTS.terms:
        for vendors, names in (
            ((Vendor.TWILIO_VIDEO,), term.twilio),
            (of_acs, term.acs),
            ((Vendor.VIDEOSDK,), term.videosdk),
        ):
            for name in names:
                assert any(load.find(vendor, name) for vendor in vendors), f"{term.word}: {name}"


@pytest.mark.feature("CALLTYPE-007")
def test_there_are_five_kinds_of_calls_and_each_is_described_and_shown() -> None:
    assert [row.type for row in CONCEPTS.call_types] == list(CallType)
    assert sorted(CallType) == ["group", "one-to-one", "pstn", "rooms", "voip"]
    for row in CONCEPTS.call_types:
        assert row.means.endswith(".")
        for test in row.proof:
            file, _, function = test.partition("::")
            assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), test


@pytest.mark.feature("CONCEPT-001")
def test_a_room_has_an_id_with_each_vendor() -> None:
    room = TERMS["room"]
    assert set(room.twilio) == {"Room.sid", "Room.name"}
    assert set(room.acs) == {"GroupCallLocator.groupId", "RoomCallLocator.roomId"}
    assert room.videosdk == ("Meeting.id",)
    assert "meetingId" in room.note
    name = load.row_of(Vendor.TWILIO_VIDEO, "Room.name")
    meeting = load.row_of(Vendor.VIDEOSDK, "Meeting.id")
    assert name is not None
    assert (name.acs, name.videosdk) == (
        "GroupCallLocator.groupId / RoomCallLocator.roomId",
        "Meeting.id",
    )
    assert meeting is not None
    assert (meeting.twilio, meeting.acs) == ("Room.name", "RoomCallLocator.roomId")


@pytest.mark.feature("CONCEPT-003")
def test_the_glossary_tells_a_track_from_a_stream_that_bundles_tracks() -> None:
    track = TERMS["track"]
    assert track.means.startswith("One flow")
    assert "Stream" in track.videosdk
    assert "RemoteVideoStream" in track.acs
    assert "`MediaStream` of the browser bundles tracks" in track.note


@pytest.mark.feature("CONCEPT-004")
def test_a_session_has_an_id_with_each_vendor() -> None:
    session = TERMS["session"]
    assert session.twilio == ("Room.sid",)
    assert session.acs == ("CallInfo.getServerCallId",)
    assert "`sessionId`" in session.note
    sid = load.row_of(Vendor.TWILIO_VIDEO, "Room.sid")
    assert sid is not None
    assert "getServerCallId" in sid.acs
    assert "session id" in sid.videosdk


@pytest.mark.feature("UILIB-001", "MATRIX-033", "MATRIX-041", "MATRIX-042")
@pytest.mark.parametrize(
    ("row", "feature"),
    [
        ("ui-library", "UILIB-001"),
        ("web-view", "MATRIX-033"),
        ("callkit", "MATRIX-041"),
        ("picture-in-picture", "MATRIX-042"),
    ],
)
def test_what_is_not_mapped_has_a_reason(row: str, feature: str) -> None:
    outside = OUTSIDE[row]
    assert feature in outside.features
    assert outside.why.startswith(("Out of scope: ", "Not applicable to Python: "))
    assert outside.why.endswith(".")


def test_rows_of_the_feature_list_that_are_named_exist() -> None:
    known = {feature.id for feature in load_features()}
    assert {one for row in CONCEPTS.outside for one in row.features} <= known


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[term", "concepts.toml: "),
        ("[term.room]", "concepts.toml, term.room: "),
        ('[term.room]\nmeans = "x"\nother = 1', "concepts.toml, term.room: "),
        ("[call_type.carrier]", "concepts.toml, call_type.carrier: "),
    ],
)
def test_a_wrong_entry_is_refused_by_name(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "concepts.toml"
    path.write_text(text)
    with pytest.raises(MappingDataError, match=said):
        load_concepts(path)
