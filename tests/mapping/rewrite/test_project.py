"""Folders are planned, written in one step for each file, and taken back."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from mapping.rewrite.applying import RefusedError, apply_plan, apply_rule_by_rule, undo_newest
from mapping.rewrite.choices import read_choices
from mapping.rewrite.planner import Decide, FilePlan
from mapping.rewrite.project import plan_project, write_plan
from mapping.rewrite.score import score
from mapping.rewrite.store import UndoStore

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


def test_the_sdk_is_followed_through_a_file_that_hands_it_on(project: Path) -> None:
    source = project / "src"
    (source / "sdk.ts").write_text("export * from 'twilio-video';\n")
    (source / "room.js").write_text(ROOM.replace("twilio-video", "./sdk.js"))
    (source / "join.js").write_text(
        "import { connect } from 'twilio-video';\n"
        "export const join = async token => connect(token, { wsServer });\n"
    )
    (source / "late.js").write_text(
        "import { join } from './join';\n"
        "join(token).then(room => room.on('participantConneted', show));\n"
    )
    plan = plan_project(project, OPTIONS)
    assert [one.plan.path for one in plan.changed] == ["src/room.js"]
    (room,) = plan.changed
    assert room.plan.after == ROOM_AFTER.replace("twilio-video", "./sdk.js")
    # What a function of the program gives is followed, which is less sure.
    assert {one.plan.path: len(one.plan.unsure) for one in plan.files} == {
        "src/late.js": 1, "src/room.js": 0,
    }  # fmt: skip


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
    with pytest.raises(RefusedError, match=r"[Cc]hanged since they were migrated: src/room\.js"):
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
    for damaged in ("{", "{}", "[]"):
        (folder / "0001.json").write_text(damaged)
        with pytest.raises(RefusedError, match="damaged"):
            undo_newest(project)


def test_a_file_changed_between_plan_and_writing_is_left_alone(project: Path) -> None:
    plan = plan_project(project, OPTIONS)
    (project / "src" / "room.js").write_text("// mine\n")
    with pytest.raises(RefusedError, match="changed since it was read"):
        apply_plan(plan)
    assert (project / "src" / "room.js").read_text() == "// mine\n"
    with pytest.raises(RefusedError, match="nothing to undo"):
        undo_newest(project)


def test_a_run_that_was_killed_between_two_files_is_taken_back(project: Path) -> None:
    (project / "src" / "second.js").write_text(ROOM)
    plan = plan_project(project, OPTIONS)
    UndoStore(project).keep(plan.changed, dict(plan.counts()))
    write_plan(plan.changed[:1])
    (project / "src" / ".second.js.k3k3.twilio-compat").write_text("half of")
    assert undo_newest(project).files == ("src/room.js", "src/second.js")
    assert sorted(one.name for one in (project / "src").iterdir()) == [
        "other.js", "room.js", "second.js",
    ]  # fmt: skip
    for name in ("room.js", "second.js"):
        assert (project / "src" / name).read_text() == ROOM


def test_a_run_that_was_killed_can_be_finished_and_taken_back(project: Path) -> None:
    (project / "src" / "second.js").write_text(ROOM)
    plan = plan_project(project, OPTIONS)
    UndoStore(project).keep(plan.changed, dict(plan.counts()))
    write_plan(plan.changed[:1])
    apply_plan(plan_project(project, OPTIONS))
    assert (project / "src" / "second.js").read_text() == ROOM_AFTER
    undo_newest(project)
    undo_newest(project)
    for name in ("room.js", "second.js"):
        assert (project / "src" / name).read_text() == ROOM


def test_all_files_are_written_or_none(project: Path) -> None:
    # The name leaves no room for that of the file that replaces it.
    (project / "src" / f"{'z' * 240}.js").write_text(ROOM)
    with pytest.raises(RefusedError, match="too long"):
        apply_plan(plan_project(project, OPTIONS))
    assert (project / "src" / "room.js").read_text() == ROOM
    with pytest.raises(RefusedError, match="nothing to undo"):
        undo_newest(project)


def test_a_file_that_is_read_only_stays_and_so_do_the_others(project: Path) -> None:
    locked = project / "src" / "second.js"
    locked.write_text(ROOM)
    locked.chmod(0o444)
    with pytest.raises(RefusedError, match=r"second\.js is read-only"):
        apply_plan(plan_project(project, OPTIONS))
    assert (project / "src" / "room.js").read_text() == ROOM


def test_a_file_that_is_given_by_a_link_is_taken_back(project: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.js"
    link.symlink_to(project / "src" / "room.js")
    apply_plan(plan_project(link, OPTIONS))
    assert link.is_symlink()
    assert (project / "src" / "room.js").read_text() == ROOM_AFTER
    undo_newest(link)
    assert (project / "src" / "room.js").read_text() == ROOM


def test_entries_that_are_kept_are_not_written_over(project: Path) -> None:
    for rule in ("TWV-EVENT-001", "TWV-SERVER-001"):
        apply_plan(plan_project(project, read_choices(only=[rule])))
    folder = project / ".twilio-compat" / "undo"
    (folder / "0001.json").unlink()
    (project / "src" / "other.js").write_text(ROOM)
    apply_plan(plan_project(project, OPTIONS))
    assert sorted(one.name for one in folder.iterdir()) == ["0002.json", "0003.json"]


@pytest.mark.parametrize(("done_in", "asked_in"), [("src", "."), (".", "src")])
def test_where_there_is_something_to_undo_is_told(
    project: Path, done_in: str, asked_in: str
) -> None:
    apply_plan(plan_project(project / done_in, OPTIONS))
    with pytest.raises(RefusedError, match="There is something in") as refused:
        undo_newest(project / asked_in)
    assert str(refused.value).endswith(f"{project / done_in}.")


def test_uncommitted_work_is_not_mixed_with_ours_unless_forced(repository: Path) -> None:
    (repository / "src" / "other.js").write_text("export const answer = 43;\n")
    with pytest.raises(RefusedError, match=r"src/other\.js"):
        apply_plan(plan_project(repository, OPTIONS))
    assert apply_plan(plan_project(repository, OPTIONS), force=True) is not None
    # A second run has nothing to write, so there is nothing to mix.
    assert apply_plan(plan_project(repository, OPTIONS)) is None


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


def test_what_cannot_be_committed_is_not_written(project: Path) -> None:
    with pytest.raises(RefusedError, match="no git repository"):
        apply_rule_by_rule(project, OPTIONS)
    assert (project / "src" / "room.js").read_text() == ROOM


def test_only_changes_that_were_accepted_are_committed(repository: Path) -> None:
    def only_events(plan: FilePlan) -> Decide:
        return lambda change, text: change.rule == "TWV-EVENT-001"

    assert len(apply_rule_by_rule(repository, OPTIONS, decide=only_events)) == 1
    assert git(repository, "log", "--format=%s").splitlines() == [
        "Apply the migration rule TWV-EVENT-001",
        "Begin",
    ]


def test_a_repository_that_git_does_not_open_is_not_taken_for_clean(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(RefusedError, match=r"safe\.directory"):
        apply_plan(plan_project(repository, OPTIONS))


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


def test_what_is_told_without_a_comment_waits_too(project: Path) -> None:
    (project / "src" / "room.js").write_text(
        "import { connect } from 'twilio-video';\nconnect(...given);\n"
    )
    waiting = score(plan_project(project, read_choices(has_notes=False)))
    assert (waiting.pending, waiting.left) == (1, 1)


def test_what_is_no_file_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "src" / "pipe.js")
    assert plan_project(project, OPTIONS).looked_at == 2


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing at"):
        plan_project(tmp_path / "nothing", OPTIONS)
