"""The gates hold for the rows that there are, and notice what is missing, extra, or not proved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mapping import load, parity
from mapping.__main__ import main
from mapping.model import Kind, Parity, Row, Vendor

REPORT = """<?xml version="1.0"?>
<testsuites><testsuite>
<testcase classname="tests.a.test_b" name="test_good"/>
<testcase classname="tests.a.test_b" name="test_each[1]"/>
<testcase classname="tests.a.test_b" name="test_each[2]"><failure message="no"/></testcase>
<testcase classname="tests.a.test_b" name="test_left_out"><skipped/></testcase>
</testsuite></testsuites>
"""


def row(name: str, vendor: Vendor = Vendor.TWILIO_VIDEO) -> Row:
    found = load.row_of(vendor, name)
    assert found is not None
    return found


def test_all_rows_agree_with_names_and_tests() -> None:
    assert parity.check() == []


@pytest.mark.parametrize("name", load.names())
def test_a_name_without_a_row_is_a_problem(name: str) -> None:
    names = {**load.names(), name: (*load.names()[name], "Room.color")}
    assert f"{name}: Room.color has no row" in parity.check_names(load.rows(), names)


def test_a_row_without_a_name_is_a_problem() -> None:
    rows = [*load.rows(), replace(row("Room.name"), name="Room.color")]
    (wrong,) = parity.check_names(rows, load.names())
    assert wrong == "twilio-video: Room.color is no name of twilio-video-2.36.0"


def test_a_former_name_without_a_row_is_a_problem() -> None:
    former = row("Call.feature", Vendor.ACS_CALLING)
    assert former.generations["beta"] == "Call.api"
    rows = [one for one in load.rows() if one is not former]
    wrong = parity.check_names([*rows, replace(former, generations={})], load.names())
    assert "acs-calling-1.0.0-beta.4: Call.api has no row" in wrong


def test_a_list_that_nobody_knows_is_a_problem() -> None:
    names = {**load.names(), "twilio-video-3.0.0": ()}
    wrong = parity.check_names(load.rows(), names)
    assert wrong == ["names/twilio-video-3.0.0.txt: nothing is known of this list"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"compat": "Room.color"}, "there is no twilio_compat.Room.color"),
        ({"compat": "Room.name.color"}, "there is no twilio_compat.Room.name.color"),
        ({"native": ("Call.color",)}, "there is no acs_core.Call.color"),
        ({"native": ("colors.Color",)}, "there is no acs_core.colors.Color"),
    ],
)
def test_a_counterpart_that_is_not_there_is_a_problem(
    changes: dict[str, object], problem: str
) -> None:
    changed = replace(row("Room.name"), **changes)  # type: ignore[arg-type]
    assert parity.check_references([changed]) == [f"twilio-video Room.name: {problem}"]


def test_an_event_that_is_not_emitted_is_a_problem() -> None:
    event = replace(row("Room#disconnected"), name="Room#painted")
    assert parity.check_references([event]) == ["twilio-video Room#painted: Room does not emit it"]
    silent = replace(event, name="TrackStats#painted")
    assert parity.check_references([silent]) == [
        "twilio-video TrackStats#painted: TrackStats emits nothing"
    ]


def test_a_public_name_of_ours_without_a_row_is_a_problem() -> None:
    own = [one for one in load.rows() if one.name != "LiveMap.has"]
    assert parity.check_own_names(own) == ["twilio_compat: LiveMap.has has no row"]
    stage = [one for one in load.rows() if "Stage" not in one.native]
    assert parity.check_own_names(stage) == ["acs_core: Stage has no row"]


def test_a_row_of_a_name_that_is_not_public_is_a_problem() -> None:
    own = replace(row("LiveMap.has", Vendor.TWILIO_COMPAT), name="LiveMap.color", compat="")
    wrong = parity.check_own_names([*load.rows(), own])
    assert wrong == ["twilio_compat: LiveMap.color is not public"]


def test_errors_are_those_of_the_table() -> None:
    assert parity.check_errors() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"parity": {"compat": Parity.NO}}, "compat is no, and names something"),
        ({"parity": {"native": Parity.NO}}, "native is no, and names something"),
        ({"compat": "", "parity": {"compat": Parity.FULL}}, "compat is full, and names nothing"),
        (
            {"native": (), "parity": {"native": Parity.PARTIAL}},
            "native is partial, and names nothing",
        ),
    ],
)
def test_what_is_promised_has_a_name_and_what_is_not_has_none(
    changes: dict[str, object], problem: str
) -> None:
    changed = replace(row("Room.name"), **changes)  # type: ignore[arg-type]
    assert parity.check_references([changed]) == [f"twilio-video Room.name: {problem}"]


@pytest.mark.parametrize(
    ("name", "vendor", "ours"),
    [
        ("CallState", Vendor.ACS_CALLING, "CallState"),
        ("RecordingState", Vendor.ACS_CALLING, "RecordingState"),
        ("Track.Kind", Vendor.TWILIO_VIDEO, "TrackKind"),
        ("NetworkQualityVerbosity", Vendor.TWILIO_VIDEO, "NetworkQualityVerbosity"),
    ],
)
def test_a_word_that_our_type_lacks_is_a_problem(name: str, vendor: Vendor, ours: str) -> None:
    described = row(name, vendor)
    assert parity.check_values([described]) == []
    changed = replace(described, values=(*described.values, "Painted"))
    assert parity.check_values([changed]) == [f"{vendor} {name}: {ours} lacks Painted"]
    partial = dict.fromkeys(described.parity, Parity.PARTIAL)
    assert parity.check_values([replace(changed, parity=partial)]) == []


def test_the_command_line_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 0
    assert "rows agree with the names and the tests" in capsys.readouterr().out
    report = tmp_path / "report.xml"
    report.write_text(REPORT, encoding="utf-8")
    assert main(["check", "--junit", str(report)]) == 1
    assert "did not pass in this run" in capsys.readouterr().err
    assert main(["check", "--junit", str(tmp_path / "none.xml")]) == 1


def test_every_event_says_what_its_listeners_get() -> None:
    events = [one for one in load.rows(Vendor.TWILIO_VIDEO) if one.kind is Kind.EVENT]
    assert row("Room#trackSubscribed").args == ("track", "publication", "participant")
    assert len(events) > 100
