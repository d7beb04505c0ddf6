"""The rows are read once, checked, and a mistake says in which file and row it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mapping import load
from mapping.load import MappingDataError
from mapping.model import COLUMNS, Kind, Parity, Status, Vendor

ROW = """
[file]
vendor = "twilio-video"
section = "Room"
source = "somewhere"
as_of = 2026-11-21
parity = { js = "no" }

["Room.participants"]
kind = "property"
status = "adapt"
parity = { compat = "full" }
why = "Because."
"""


def read(folder: Path, text: str) -> list[object]:
    path = folder / "room.toml"
    path.write_text(text, encoding="utf-8")
    return list(load.read_rows(path, "room.toml"))


def test_a_row_has_what_its_file_shares_and_what_it_says_itself(tmp_path: Path) -> None:
    path = tmp_path / "room.toml"
    path.write_text(ROW, encoding="utf-8")
    (row,) = load.read_rows(path, "room.toml")
    assert (row.vendor, row.name, row.owner) == (
        Vendor.TWILIO_VIDEO,
        "Room.participants",
        "Room",
    )
    assert (row.kind, row.status, row.section) == (Kind.PROPERTY, Status.ADAPT, "Room")
    assert row.parity == {"js": Parity.NO, "compat": Parity.FULL}
    assert (row.source, row.why, row.proof, row.demand) == ("somewhere", "Because.", (), 0)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('kind = "property"\n', "", "it lacks 'kind'"),
        ('"adapt"', '"adapted"', "'adapted' is not a valid Status"),
        ('why = "Because."\n', "", "it does not say why"),
        ('why = "Because."', 'why = ""', "it does not say why"),
        ('why = "Because."', "why = 7", "why is no str"),
        ('compat = "full"', 'compta = "full"', "there is no column 'compta'"),
        ('compat = "full"', 'compat = "fully"', "'fully' is not a valid Parity"),
        ('why = "Because."', 'why = "Because."\nnative = "Call"', "native is no list of texts"),
        ('why = "Because."', 'why = "Because."\nwho = "me"', "unexpected keyword argument 'who'"),
        ("as_of = 2026-11-21", 'as_of = "today"', "as_of is no date"),
    ],
)
def test_a_wrong_row_is_an_error_that_says_where(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    with pytest.raises(MappingDataError) as caught:
        read(tmp_path, ROW.replace(before, after, 1))
    assert (caught.value.file, caught.value.row) == ("room.toml", "Room.participants")
    assert problem in str(caught.value)


def test_a_file_that_is_no_toml_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(MappingDataError, match=r"^room.toml: ") as caught:
        read(tmp_path, "Room = ")
    assert caught.value.row == ""


def test_a_file_that_is_no_text_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "room.toml"
    path.write_bytes(ROW.replace("Because.", "Weil, \xe4h.").encode("latin-1"))
    with pytest.raises(MappingDataError, match=r"^room.toml: 'utf-8' codec"):
        list(load.read_rows(path, "room.toml"))


def test_a_value_outside_of_a_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MappingDataError, match="it is no table"):
        read(tmp_path, 'Room = "a class"')


def test_rows_are_found_by_vendor_and_name() -> None:
    row = load.row_of(Vendor.TWILIO_VIDEO, "Room#participantConnected")
    assert row is not None
    assert (row.kind, row.args, row.compat) == (
        Kind.EVENT,
        ("participant",),
        "RoomEvent.PARTICIPANT_CONNECTED",
    )
    assert row.owner == "Room"
    assert row in load.rows(Vendor.TWILIO_VIDEO)
    assert load.row_of(Vendor.VIDEOSDK, "Room#participantConnected") is None


def test_reading_twice_gives_the_same_rows() -> None:
    assert load.row_of(Vendor.TWILIO_VIDEO, "Room") is load.row_of(Vendor.TWILIO_VIDEO, "Room")


def test_an_inherited_name_is_found_at_its_class() -> None:
    found = load.find(Vendor.TWILIO_VIDEO, "LocalVideoTrack.attach")
    assert found is not None
    assert found.name == "MediaTrack.attach"
    event = load.find(Vendor.TWILIO_VIDEO, "RemoteVideoTrackPublication#trackDisabled")
    assert event is not None
    assert event.name == "TrackPublication#trackDisabled"
    teams = load.find(Vendor.ACS_CALLING, "TeamsCall.isMuted")
    assert teams is not None
    assert teams.name == "Call.isMuted"


@pytest.mark.parametrize("symbol", ["Room.color", "Romm.name", "disconnect", "Room#painted"])
def test_a_name_that_there_is_not_is_not_found(symbol: str) -> None:
    assert load.find(Vendor.TWILIO_VIDEO, symbol) is None


def test_a_name_of_acs_knows_its_generations() -> None:
    renamed = load.row_of(Vendor.ACS_CALLING, "VideoStreamRenderer")
    gone = load.row_of(Vendor.ACS_CALLING, "DeviceManager.getPermissionState")
    assert renamed is not None
    assert gone is not None
    assert renamed.generations == {
        "beta": "Renderer",
        "v1": "VideoStreamRenderer",
        "v2": "VideoStreamRenderer",
    }
    assert gone.generations == {"beta": "DeviceManager.getPermissionState"}


def test_every_row_says_why_in_a_sentence_and_where_it_was_read() -> None:
    for row in load.rows():
        assert row.why[-1] in ".!?", row.name
        assert row.source, row.name
        assert set(row.native) or set(row.parity) <= set(COLUMNS), row.name


def test_errors_have_counterparts_where_acs_has_a_code() -> None:
    found = {row.code: row for row in load.errors()}
    assert (found[20104].acs_code, found[20104].acs_subcode) == (401, 40235)
    assert found[53106].acs_key == ""
    assert found[53106].why
    assert list(found) == [row.code for row in load.errors()]


def test_beliefs_say_what_is_so_and_what_to_look_for() -> None:
    found = {one.id: one for one in load.beliefs()}
    assert found["GUIDE-001"].symbols == ("Room#participantConneted",)
    assert found["GUIDE-001"].real == "'participantConnected'"
    assert all(one.why and one.guide and one.says != one.real for one in found.values())
    for one in found.values():
        for symbol in one.symbols:
            is_misspelt = load.find(Vendor.TWILIO_VIDEO, symbol) is None
            assert is_misspelt or one.api != "twilio-video" or symbol == "Room.participants"


def test_retirements_have_a_source_and_perhaps_a_day() -> None:
    found = {one.id: one for one in load.retirements()}
    assert found["ACS-ROOMS"].retires == date(2028, 9, 30)
    assert found["TWILIO-VIDEO"].retires is None
    assert all(one.source and one.symbols for one in found.values())


def test_a_wrong_error_row_says_where(tmp_path: Path) -> None:
    path = tmp_path / "errors.toml"
    path.write_text("[20101]\nname = 'A'\n", encoding="utf-8")
    with pytest.raises(MappingDataError, match=r"errors.toml, 20101: "):
        load.read_errors(path)


def test_two_rows_of_one_name_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "twilio_video").mkdir()
    for name in ("a.toml", "b.toml"):
        (tmp_path / "twilio_video" / name).write_text(ROW, encoding="utf-8")
    with pytest.raises(MappingDataError, match=r"b.toml, Room.participants: another row"):
        load.read_folder(tmp_path, Vendor.TWILIO_VIDEO)


def test_a_row_among_those_of_another_vendor_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "twilio_rest.toml").write_text(ROW, encoding="utf-8")
    with pytest.raises(MappingDataError, match="it is no row of twilio-rest"):
        load.read_folder(tmp_path, Vendor.TWILIO_REST)
