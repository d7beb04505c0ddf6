"""Folders are planned, written in one step for each file, and taken back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mapping.rewrite.applying import RefusedError, apply_plan, apply_rule_by_rule, undo_newest
from mapping.rewrite.choices import read_choices
from mapping.rewrite.project import plan_project
from mapping.rewrite.score import score

OPTIONS = read_choices()
ROOM = """\
import { connect } from 'twilio-video';
connect(token).then(room => room.on('participantConneted', show));
"""
ROOM_AFTER = """\
import { connect } from 'twilio-video';
connect(token, { wsServer: 'ws://127.0.0.1:7780/signaling', wsServerInsights: \
'ws://127.0.0.1:7780/v1/VideoEvents' }).then(room => room.on('participantConnected', show));
"""
OTHER = "export const answer = 42;\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "src").mkdir(parents=True)
    (root / "node_modules" / "x").mkdir(parents=True)
    (root / "src" / "room.js").write_text(ROOM)
    (root / "src" / "other.js").write_text(OTHER)
    (root / "node_modules" / "x" / "room.js").write_text(ROOM)
    return root


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ann@example.com")
    git(project, "init", "--quiet")
    (project / ".gitignore").write_text("node_modules\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "Begin")
    return project


def test_files_without_the_sdk_and_vendored_ones_have_no_part_in_a_plan(project: Path) -> None:
    plan = plan_project(project, OPTIONS)
    assert [one.plan.path for one in plan.files] == ["src/room.js"]
    assert plan.looked_at == 2
    assert plan.counts() == {"TWV-SERVER-001": 1, "TWV-EVENT-001": 1}


def test_what_is_written_can_be_taken_back(project: Path) -> None:
    apply_plan(plan_project(project, OPTIONS))
    assert (project / "src" / "room.js").read_text() == ROOM_AFTER
    assert apply_plan(plan_project(project, OPTIONS)) is None
    entry = undo_newest(project)
    assert entry.files == ("src/room.js",)
    assert entry.rules == {"TWV-SERVER-001": 1, "TWV-EVENT-001": 1}
    assert (project / "src" / "room.js").read_text() == ROOM
    with pytest.raises(RefusedError, match="nothing to undo"):
        undo_newest(project)


def test_a_file_changed_since_is_not_taken_back_unless_forced(project: Path) -> None:
    apply_plan(plan_project(project, OPTIONS))
    (project / "src" / "room.js").write_text("// mine\n")
    with pytest.raises(RefusedError, match="changed since"):
        undo_newest(project)
    undo_newest(project, force=True)
    assert (project / "src" / "room.js").read_text() == ROOM


def test_an_entry_cannot_reach_outside_of_the_project(project: Path) -> None:
    outside = project.parent / "outside.txt"
    outside.write_text("kept")
    folder = project / ".twilio-compat" / "undo"
    folder.mkdir(parents=True)
    files = [{"path": "../outside.txt", "before": "", "after": ""}]
    entry = {"made_at": "2026-01-01", "rules": {}, "files": files}
    (folder / "0001.json").write_text(json.dumps(entry))
    with pytest.raises(RefusedError, match="outside"):
        undo_newest(project, force=True)
    assert outside.read_text() == "kept"


def test_a_damaged_entry_is_said_to_be_damaged(project: Path) -> None:
    folder = project / ".twilio-compat" / "undo"
    folder.mkdir(parents=True)
    (folder / "0001.json").write_text("{")
    with pytest.raises(RefusedError, match="damaged"):
        undo_newest(project)


def test_a_file_changed_between_plan_and_writing_is_left_alone(project: Path) -> None:
    plan = plan_project(project, OPTIONS)
    (project / "src" / "room.js").write_text("// mine\n")
    with pytest.raises(RefusedError, match="changed since it was read"):
        apply_plan(plan)
    assert (project / "src" / "room.js").read_text() == "// mine\n"


def test_uncommitted_work_is_not_mixed_with_ours_unless_forced(repository: Path) -> None:
    (repository / "src" / "other.js").write_text("export const answer = 43;\n")
    with pytest.raises(RefusedError, match=r"src/other\.js"):
        apply_plan(plan_project(repository, OPTIONS))
    assert apply_plan(plan_project(repository, OPTIONS), force=True) is not None


def test_what_is_kept_for_undoing_is_not_in_the_way_of_git(repository: Path) -> None:
    apply_plan(plan_project(repository, OPTIONS))
    assert git(repository, "status", "--porcelain").split() == ["M", "src/room.js"]


def test_each_rule_has_a_commit_of_its_own(repository: Path) -> None:
    done = apply_rule_by_rule(repository, OPTIONS)
    assert len(done) == 2
    subjects = git(repository, "log", "--format=%s").splitlines()
    assert subjects == [
        "Apply the migration rule TWV-SERVER-001",
        "Apply the migration rule TWV-EVENT-001",
        "Begin",
    ]
    assert git(repository, "status", "--porcelain") == ""
    assert (repository / "src" / "room.js").read_text() == ROOM_AFTER


def test_bytes_that_are_no_text_are_reported_and_left(project: Path) -> None:
    path = project / "src" / "room.js"
    path.write_bytes(b"\xff" + ROOM.encode())
    (project / "src" / "strange.js").write_bytes(b"\xff nothing of ours")
    plan = plan_project(project, OPTIONS)
    assert [name for name, _ in plan.problems] == ["src/room.js"]
    assert plan.changed == []


def test_a_program_that_does_not_parse_is_reported_and_left(project: Path) -> None:
    (project / "src" / "old.py").write_text("import twilio_video\nprint 'hello'\n")
    (project / "src" / "other.py").write_text("print 'hello'\n")
    plan = plan_project(project, OPTIONS)
    assert [name for name, _ in plan.problems] == ["src/old.py"]


def test_the_score_says_how_much_is_left(project: Path) -> None:
    before = score(plan_project(project, OPTIONS))
    assert (before.uses, before.pending, before.left, before.after) == (3, 2, 0, 1.0)
    assert before.before == pytest.approx(1 / 3)
    apply_plan(plan_project(project, OPTIONS))
    assert score(plan_project(project, OPTIONS)).before == 1.0


def test_a_note_waits_for_a_person_until_it_is_gone(project: Path) -> None:
    path = project / "src" / "room.js"
    path.write_text("import { connect } from 'twilio-video';\nconnect(...given);\n")
    apply_plan(plan_project(project, OPTIONS))
    noted = score(plan_project(project, OPTIONS))
    assert (noted.pending, noted.left) == (1, 1)
    assert noted.before < 1.0


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing at"):
        plan_project(tmp_path / "nothing", OPTIONS)
