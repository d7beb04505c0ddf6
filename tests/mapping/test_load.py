"""The rows are read once, checked, and a mistake says in which file and row it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapping import load
from mapping.load import MappingDataError
from mapping.model import Kind, Parity, Status, Vendor

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
