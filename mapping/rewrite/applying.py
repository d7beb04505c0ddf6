"""Doing it: write what was planned, keep what was there, and take it back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mapping.rewrite.git import GitError, commit, uncommitted
from mapping.rewrite.planner import PlanOptions
from mapping.rewrite.project import ProjectPlan, StaleFileError, plan_project, write_plan
from mapping.rewrite.store import FOLDER, Entry, NothingToUndoError, UndoStore
from mapping.rewrite.texts import UnreadableFileError

__all__ = ["RefusedError", "apply_plan", "apply_rule_by_rule", "undo_newest"]

_SHOWN = 5


class RefusedError(RuntimeError):
    """Nothing was done; the message says why, and what to do."""


def apply_plan(plan: ProjectPlan, *, force: bool = False) -> Entry | None:
    """Write the changed files of a plan; `undo_newest` takes it back.

    Args:
        plan: What to do.
        force: Write although something in the folder is uncommitted.

    Returns:
        What was kept of the files before; None if nothing was to be written.

    Raises:
        RefusedError: Something is uncommitted, a file was changed meanwhile, or cannot be written.
    """
    _check_clean(plan.root, force)
    if not plan.changed:
        return None
    try:
        entry = UndoStore(plan.root).keep(plan.changed, dict(plan.counts()))
        write_plan(plan.changed)
    except (StaleFileError, UnreadableFileError, OSError) as error:
        raise RefusedError(str(error)) from error
    return entry


def apply_rule_by_rule(
    root: Path, options: PlanOptions, *, force: bool = False
) -> list[ProjectPlan]:
    """Apply the rules one after the other, and commit what each has changed.

    Returns:
        What each rule did, of those that did something.

    Raises:
        RefusedError: As `apply_plan`, or git refused.
    """
    _check_clean(root if root.is_dir() else root.parent, force)
    rounds: list[ProjectPlan] = []
    for rule in options.rules():
        plan = plan_project(root, replace(options, only=frozenset({rule.id})))
        if not plan.changed:
            continue
        apply_plan(plan, force=True)
        message = f"Apply the migration rule {rule.id}\n\n{rule.why}\n"
        try:
            commit(plan.root, [one.path for one in plan.changed], message)
        except GitError as error:
            raise RefusedError(f"The changes of {rule.id} are made, but git: {error}") from error
        rounds.append(plan)
    return rounds


def undo_newest(root: Path, *, force: bool = False) -> Entry:
    """Take back what was written last in a folder.

    Raises:
        RefusedError: There is nothing, or files were changed since.
    """
    folder = root if root.is_dir() else root.parent
    try:
        return UndoStore(folder).undo(force=force)
    except (NothingToUndoError, StaleFileError, ValueError, OSError) as error:
        raise RefusedError(str(error)) from error


def _check_clean(folder: Path, force: bool) -> None:
    if force:
        return
    try:
        changed = [name for name in uncommitted(folder) if FOLDER not in name]
    except GitError as error:
        raise RefusedError(str(error)) from error
    if changed:
        names = ", ".join(changed[:_SHOWN]) + (", ..." if len(changed) > _SHOWN else "")
        raise RefusedError(f"Commit first ({names}), or use --force.")
