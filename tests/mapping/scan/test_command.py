"""`twilio-compat scan`: its exit codes and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mapping.commands import scan as command

_GOOD = "import { connect } from 'twilio-video'; const room = await connect(t);\n"
_BAD = _GOOD + "room.on('participantConneted', f);\n"


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.callback()(lambda: None)
    command.register(made)
    return made


def _run(app: typer.Typer, *arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["scan", *map(str, arguments)])
    return result.exit_code, result.output


def test_exit_code_says_whether_there_are_findings(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(_GOOD)
    assert _run(app, tmp_path)[0] == 0
    (tmp_path / "a.js").write_text(_BAD)
    code, output = _run(app, tmp_path)
    assert code == 1
    assert "TWV-EVENT-001" in output
    assert _run(app, tmp_path, "--fail-on", "never")[0] == 0


@pytest.mark.feature("INSTALL-002")
def test_exit_code_is_nonzero_until_no_import_is_left(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"twilio-video": "^2.0.0"}}')
    (tmp_path / "a.js").write_text(_GOOD)
    code, output = _run(app, tmp_path, "--fail-on", "note", "--show", "note")
    assert code == 1
    assert "a.js:1:10 note TWV-IMPORT-001" in output
    assert "TWV-VERSION-002" in output
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "a.js").write_text("console.log('gone');\n")
    assert _run(app, tmp_path, "--fail-on", "note")[0] == 0


@pytest.mark.feature("INSTALL-003")
def test_package_and_script_element_of_videosdk_are_recognized(
    app: typer.Typer, tmp_path: Path
) -> None:
    (tmp_path / "a.js").write_text("import { VideoSDK } from '@videosdk.live/js-sdk';\n")
    (tmp_path / "b.html").write_text(
        '<script src="https://sdk.videosdk.live/js-sdk/0.0.82/videosdk.js"></script>\n'
        "<script>window.VideoSDK.config(token);</script>\n"
    )
    _, output = _run(app, tmp_path, "--show", "note")
    assert "a.js:1:10 note VSDK-IMPORT-001" in output
    assert "b.html:2:9 note VSDK-IMPORT-001" in output
    assert "videosdk 0.0.82" in output


def test_wrong_usage_is_two(app: typer.Typer, tmp_path: Path) -> None:
    assert _run(app, tmp_path / "missing")[0] == 2
    assert _run(app, tmp_path, "--format", "pdf")[0] == 2
    (tmp_path / "no.json").write_text("[]")
    assert _run(app, tmp_path, "--baseline", tmp_path / "no.json")[0] == 2


def test_too_many_files_that_cannot_be_read_are_three(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import twilio_compat\n(")
    assert _run(app, tmp_path)[0] == 0
    assert _run(app, tmp_path, "--max-parse-errors", 0)[0] == 3


def test_file_that_cannot_be_written_is_four(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(_GOOD)
    assert _run(app, tmp_path, "--format", "json", "-o", tmp_path / "no" / "x.json")[0] == 4


def test_only_findings_that_are_not_in_the_baseline_fail(app: typer.Typer, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "a.js").write_text(_BAD)
    baseline = tmp_path / "baseline.json"
    assert _run(app, source, "--write-baseline", baseline)[0] == 0
    assert _run(app, source, "--baseline", baseline)[0] == 0
    (source / "a.js").write_text("\n" + _BAD + "room.on('connected', f);\n")
    code, output = _run(app, source, "--baseline", baseline)
    assert code == 1
    assert "TWV-EVENT-004" in output
    assert "a.js:3" not in output


@pytest.mark.parametrize("name", ["table", "json", "sarif", "csv", "html", "md"])
def test_each_format_is_written_to_a_file(app: typer.Typer, tmp_path: Path, name: str) -> None:
    source = tmp_path / "a.js"
    source.write_text(_BAD)
    output = tmp_path / "report"
    assert _run(app, source, "--format", name, "-o", output)[0] == 1
    assert "participantConneted" in output.read_text()


def test_usage_is_written_beside_the_report(app: typer.Typer, tmp_path: Path) -> None:
    source = tmp_path / "a.js"
    source.write_text(_GOOD)
    _run(app, source, "--usage-json", tmp_path / "usage.json")
    data = json.loads((tmp_path / "usage.json").read_text())
    assert data["symbols"] == {"twilio-video": {"connect": 1}}
