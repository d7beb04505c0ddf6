"""`twilio-compat migrate`, as it is called."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from acs_core.errors import InvalidArgumentError
from mapping.commands.migrate import register

ROOM = """\
import { connect } from 'twilio-video';
connect(token).then(room => room.on('participantConneted', show));
connect(...given);
"""


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    made.callback()(lambda: None)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "room.js").write_text(ROOM)
    (tmp_path / "other.py").write_text("print(1)\n")
    return tmp_path


def run(app: typer.Typer, *arguments: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(
        app, ["migrate", *arguments], input=answers, env={"COLUMNS": "160", "NO_COLOR": "1"}
    )


def test_a_plan_says_what_why_and_how_sure(app: typer.Typer, project: Path) -> None:
    result = run(app, "plan", str(project))
    assert result.exit_code == 1
    assert "TWV-EVENT-001  exact  'participantConneted' becomes 'participantConnected'" in (
        result.output
    )
    assert "note: give connect() the options" in result.output
    assert "asks Twilio's cloud unless wsServer says otherwise" in result.output
    assert "2 changes and 1 note in 1 of 2 files." in result.output
    assert "next: Run `twilio-compat serve`" in result.output
    assert (project / "room.js").read_text() == ROOM


def test_javascript_stays_javascript(app: typer.Typer, project: Path) -> None:
    (project / "bot.py").write_text("from twilio_video import connect\n")
    result = run(app, "plan", str(project), "--target", "twilio_compat")
    assert "next: JavaScript is not translated to Python" in result.output
    assert "room.js" not in result.output
    (project / "room.js").unlink()
    assert "JavaScript" not in run(app, "plan", str(project)).output


@pytest.mark.parametrize(
    ("name", "text", "is_told"),
    [
        ("a.py", "from acs_core.legacy import CallClient\n", False),
        ("a.js", "import { Renderer } from '@azure/communication-calling';\n", True),
    ],
)
def test_a_package_is_to_be_updated_where_one_is_used(
    app: typer.Typer, tmp_path: Path, name: str, text: str, is_told: bool
) -> None:
    (tmp_path / name).write_text(text)
    result = run(app, "plan", str(tmp_path))
    assert "1 change in 1 of 1 files." in result.output
    assert ("next: Update @azure/communication-calling" in result.output) is is_told


def test_a_plan_can_be_read_by_programs(app: typer.Typer, project: Path) -> None:
    data = json.loads(run(app, "plan", str(project), "--json").output)
    assert data["rules"] == {"TWV-EVENT-001": 1, "TWV-SERVER-001": 2}
    (file,) = data["files"]
    assert file["path"] == "room.js"
    assert [one["note"] for one in file["changes"]] == [False, False, True]


def test_a_diff_is_one_that_git_takes(app: typer.Typer, project: Path) -> None:
    shown = run(app, "diff", str(project))
    assert shown.exit_code == 1
    done = subprocess.run(
        ["git", "apply", "-"], input=shown.output, text=True, cwd=project, check=False
    )
    assert done.returncode == 0
    assert run(app, "diff", str(project)).exit_code == 0


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("crlf.js", ROOM.replace("\n", "\r\n").encode()),
        ("marked.js", b"\xef\xbb\xbf" + ROOM.encode()),
        ("tabs.js", ROOM.encode() + b"if (x) {\n\t\tconnect(token);\t// [red]\n}"),
        ("pages.js", ROOM.replace("given", "given /*\f\u2028*/").encode()),
        ("old.py", b"# coding: latin-1\nfrom twilio_video import connect  # caf\xe9\n"),
    ],
)
def test_a_diff_has_the_bytes_of_the_file(
    app: typer.Typer, tmp_path: Path, name: str, data: bytes
) -> None:
    for folder in ("by_git", "by_apply"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(data)
    shown = run(app, "diff", str(tmp_path / "by_git")).stdout_bytes
    subprocess.run(["git", "apply", "-"], input=shown, cwd=tmp_path / "by_git", check=True)
    run(app, "apply", str(tmp_path / "by_apply"))
    after = (tmp_path / "by_git" / name).read_bytes()
    assert after == (tmp_path / "by_apply" / name).read_bytes() != data


def test_apply_undo_and_status_tell_the_same_story(app: typer.Typer, project: Path) -> None:
    before = json.loads(run(app, "status", str(project), "--json").output)
    assert (before["pending"], before["applied"]) == (3, [])
    assert run(app, "apply", str(project)).exit_code == 0
    done = run(app, "status", str(project))
    assert done.exit_code == 0
    assert "applied " in done.output
    assert "1 wait for a change or a decision" in done.output
    undone = run(app, "undo", str(project))
    assert undone.exit_code == 0
    assert undone.output.endswith(":\n  room.js\n")
    assert (project / "room.js").read_text() == ROOM
    assert run(app, "undo", str(project)).exit_code == 1


def test_each_change_is_asked_about(app: typer.Typer, project: Path) -> None:
    result = run(app, "apply", str(project), "--interactive", answers="n\nwhat\ny\nq\n")
    assert result.exit_code == 0
    assert "-connect(token).then(room => room.on('participantConneted', show));" in result.output
    after = (project / "room.js").read_text()
    assert after == ROOM.replace("participantConneted", "participantConnected")


def test_nobody_is_asked_before_a_refusal(app: typer.Typer, project: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    result = run(app, "apply", str(project), "--interactive")
    assert result.exit_code == 1
    assert "Commit first" in result.output
    assert "y yes" not in result.output


def test_what_is_done_and_what_is_left_is_told(app: typer.Typer, project: Path) -> None:
    result = run(app, "apply", str(project))
    assert f"`twilio-compat migrate undo {project}` takes that back." in result.output
    assert "left: room.js:3: give connect() the options" in result.output
    assert "next: Run `twilio-compat serve`" in result.output
    again = run(app, "apply", str(project))
    assert "Nothing to change in 2 files." in again.output
    assert "left: room.js:3: give connect() the options" in again.output


def test_all_that_follow_can_be_accepted_at_once(app: typer.Typer, project: Path) -> None:
    run(app, "apply", str(project), "--interactive", answers="a\n")
    assert "// migrate TWV-SERVER-001" in (project / "room.js").read_text()


def test_rules_and_notes_can_be_chosen(app: typer.Typer, project: Path) -> None:
    run(app, "apply", str(project), "--only", "TWV-SERVER-001", "--no-notes")
    after = (project / "room.js").read_text()
    assert "participantConneted" in after
    assert "migrate" not in after
    assert "wsServer" in after


def test_commits_can_be_split_and_uncommitted_work_is_refused(
    app: typer.Typer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ann@example.com")
    for command in ("init --quiet", "add .", "commit --quiet --message Begin"):
        subprocess.run(["git", *command.split()], cwd=project, check=True)
    (project / "other.py").write_text("print(2)\n")
    refused = run(app, "apply", str(project))
    assert refused.exit_code == 1
    assert "Commit first (other.py), or use --force." in refused.output
    done = run(app, "apply", str(project), "--split-commits", "--force")
    assert "2 changes and 1 note in 1 file; `git revert` takes that back." in done.output
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=project, capture_output=True, text=True, check=True
    )
    assert len(log.stdout.splitlines()) == 3


def test_what_was_applied_can_be_read_by_programs(app: typer.Typer, project: Path) -> None:
    data = json.loads(run(app, "apply", str(project), "--json").output)
    assert data["rules"] == {"TWV-EVENT-001": 1, "TWV-SERVER-001": 2}


def test_a_file_that_is_no_text_is_reported(app: typer.Typer, project: Path) -> None:
    (project / "broken.py").write_bytes(b"import twilio_video # \xff")
    result = run(app, "plan", str(project))
    assert result.exit_code == 3
    assert "not read: cannot be read as utf-8" in result.output
    for command in ("diff", "status", "apply"):
        told = run(app, command, str(project))
        assert told.exit_code == 3
        assert "broken.py: " in told.output
        assert "cannot be read as utf-8" in told.output
    data = json.loads(run(app, "status", str(project), "--json").output)
    assert list(data["problems"]) == ["broken.py"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "nothing-there"),
        ("plan", ".", "--target", "moon"),
        ("plan", ".", "--from", "moon"),
        ("plan", ".", "--include", "everything"),
        ("plan", ".", "--only", "TWV-MOON-001"),
        ("plan", ".", "--server", "ftp://example.com"),
        ("plan", ".", "--server", "http://example.com/path"),
        ("plan", ".", "--server", "http://exa'mple.com"),
        ("plan", ".", "--server", "http://[bad"),
        ("apply", ".", "--interactive", "--json"),
    ],
)
def test_a_choice_that_there_is_not_is_refused(app: typer.Typer, arguments: tuple[str]) -> None:
    result = run(app, *arguments)
    assert isinstance(result.exception, InvalidArgumentError)
