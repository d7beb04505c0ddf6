"""The matrix: what is shown, how it is counted, and how it is written down."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mapping import load
from mapping.commands import matrix as command
from mapping.commands.matrix import Column
from mapping.matrix import (
    Selection,
    as_csv,
    as_json,
    as_markdown,
    cell,
    select,
    sentence,
    summarize,
)
from mapping.model import COLUMNS, Parity, Row, Status, Vendor

ROWS = """
[file]
vendor = "twilio-video"
section = "Room"
source = "somewhere"
as_of = 2026-11-21
kind = "property"
why = "A | B."

[Room]
kind = "class"
status = "adapt"
parity = { js = "full", compat = "full" }
demand = 6

["Room.name"]
status = "direct"
parity = { js = "full", compat = "partial", native = "no" }
demand = 2

["RoomState"]
status = "emulate"
parity = { compat = "emulated" }
"""


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    path = tmp_path / "room.toml"
    path.write_text(ROWS, encoding="utf-8")
    return list(load.read_rows(path, "room.toml"))


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    command.register(app)
    app.command("other")(lambda: None)
    return app


def names(rows: list[Row]) -> list[str]:
    return [row.name for row in rows]


def test_rows_are_chosen_by_class_status_and_promise(rows: list[Row]) -> None:
    assert names(select(rows, Selection())) == ["Room", "Room.name", "RoomState"]
    assert names(select(rows, Selection(owner="room"))) == ["Room", "Room.name"]
    assert names(select(rows, Selection(statuses=frozenset({Status.EMULATE})))) == ["RoomState"]
    assert names(select(rows, Selection(parities=frozenset({Parity.NO})))) == ["Room.name"]
    only_js = Selection(columns=("js",), parities=frozenset({Parity.NO}))
    assert names(select(rows, only_js)) == []
    assert names(select(rows, Selection(vendor=Vendor.VIDEOSDK))) == []


def test_a_column_that_does_not_apply_is_neither_shown_nor_counted(rows: list[Row]) -> None:
    assert cell(rows[2], "js") is Parity.NOT_APPLICABLE
    js, compat, native = summarize(rows)
    assert (js.column, js.counts, js.demand) == ("js", {Parity.FULL: 2}, 100.0)
    assert compat.counts == {Parity.FULL: 1, Parity.PARTIAL: 1, Parity.EMULATED: 1}
    assert compat.demand == 75.0
    assert (native.counts, native.demand) == ({Parity.NO: 1}, 0.0)


def test_nothing_seen_in_programs_has_no_percentage(rows: list[Row]) -> None:
    (compat,) = summarize(rows[2:])
    assert compat.demand is None
    assert sentence(compat) == "compat: 1 emulated"


def test_it_is_written_as_json_csv_and_markdown(rows: list[Row]) -> None:
    document = json.loads(as_json(rows, ("js", "compat")))
    assert document["summary"]["compat"]["demandPercent"] == 75.0
    assert document["rows"][1]["parity"] == {"js": "full", "compat": "partial"}
    head, first, *_ = csv.reader(io.StringIO(as_csv(rows, ("js",))))
    assert dict(zip(head, first, strict=True))["js"] == "full"
    assert len(set(head)) == len(head)
    text = as_markdown(rows, ("js",))
    assert "* js: 2 full; 100 % of what public programs use is full" in text
    assert "| `Room.name` | direct | full | A \\| B. |" in text


def test_the_command_prints_a_table_and_a_summary(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["matrix", "--class", "Room", "--column", "compat"])
    assert result.exit_code == 0
    assert "Room.participants" in result.stdout
    assert "LocalParticipant" not in result.stdout
    assert "compat: " in result.stdout.splitlines()[-1]


@pytest.mark.parametrize("form", ["json", "csv", "md", "table"])
def test_the_command_writes_files(app: typer.Typer, tmp_path: Path, form: str) -> None:
    path = tmp_path / "matrix"
    options = ["--class", "Room", "--format", form, "-o", str(path)]
    assert CliRunner().invoke(app, ["matrix", *options]).exit_code == 0
    assert "Room#participantConnected" in path.read_text(encoding="utf-8")


def test_the_command_shows_other_vendors(app: typer.Typer) -> None:
    options = ["--vendor", "videosdk", "--class", "Meeting", "--format", "csv"]
    assert "Meeting.join" in CliRunner().invoke(app, ["matrix", *options]).stdout
    everything = CliRunner().invoke(app, ["matrix", "--all", "--class", "Call", "--format", "csv"])
    assert "Call.hangUp" in everything.stdout


def test_the_command_says_when_there_is_nothing_to_show(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["matrix", "--class", "Rom"])
    assert result.exit_code == 1
    assert result.stderr.startswith("No row is like that. Did you mean ")
    assert "--vendor twilio-video --class Room" in result.stderr
    elsewhere = CliRunner().invoke(app, ["matrix", "--class", "Meeting"])
    assert "--vendor videosdk --class Meeting" in elsewhere.stderr
    nowhere = CliRunner().invoke(app, ["matrix", "--class", "Zzyzx"])
    assert (nowhere.exit_code, nowhere.stderr) == (1, "No row is like that.\n")


@pytest.mark.parametrize("form", ["csv", "table"])
def test_a_file_that_cannot_be_written_is_said(app: typer.Typer, tmp_path: Path, form: str) -> None:
    for path in (tmp_path, tmp_path / "none" / "matrix"):
        options = ["--class", "Room", "--format", form, "-o", str(path)]
        result = CliRunner().invoke(app, ["matrix", *options])
        assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
        assert result.stderr.startswith(f"{path} cannot be written: ")


def test_counterparts_and_promises_have_columns_of_their_own(app: typer.Typer) -> None:
    options = ["--class", "Room", "--format", "csv"]
    lines = csv.DictReader(io.StringIO(CliRunner().invoke(app, ["matrix", *options]).stdout))
    (told,) = [line for line in lines if line["name"] == "Room.name"]
    assert (told["compat"], told["compat name"]) == ("full", "Room.name")
    assert told["videosdk name"] == "Meeting.id"


def test_the_command_knows_every_column() -> None:
    assert tuple(Column) == COLUMNS
