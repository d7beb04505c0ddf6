"""Doing it: write what was planned, keep what was there, and take it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mapping.rewrite.git import GitError, commit, is_repository, uncommitted
from mapping.rewrite.planner import Decide, FilePlan, PlanOptions
from mapping.rewrite.project import (
    ProjectPlan,
    StaleFileError,
    check_plan,
    plan_project,
    write_plan,
)
from mapping.rewrite.store import FOLDER, Entry, NothingToUndoError, UndoStore
from mapping.rewrite.texts import UnreadableFileError

__all__ = ["RefusedError", "apply_plan", "apply_rule_by_rule", "check_clean", "undo_newest"]

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
    if not plan.changed:
        return None
    check_clean(plan.root, force=force)
    store = UndoStore(plan.root)
    try:
        check_plan(plan.changed)
        entry = store.keep(plan.changed, dict(plan.counts()))
    except (StaleFileError, UnreadableFileError, OSError) as error:
        raise RefusedError(str(error)) from error
    try:
        write_plan(plan.changed)
    except OSError as error:
        _take_back(store)
        raise RefusedError(str(error)) from error
    return entry


def apply_rule_by_rule(
    root: Path,
    options: PlanOptions,
    *,
    force: bool = False,
    decide: Callable[[FilePlan], Decide] | None = None,
) -> list[ProjectPlan]:
    """Apply the rules one after the other, and commit what each has changed.

    Args:
        root: File or folder, of a git repository.
        options: What is asked for.
        force: Write although something in the folder is uncommitted.
        decide: As `plan_project` takes it.

    Returns:
        What each rule did, of those that did something.

    Raises:
        RefusedError: As `apply_plan`, or git refused.
    """
    folder = _folder_of(root)
    if not is_repository(folder):
        raise RefusedError(f"{folder} is in no git repository, so nothing can be committed.")
    check_clean(folder, force=force)
    rounds: list[ProjectPlan] = []
    for rule in options.rules():
        plan = plan_project(root, replace(options, only=frozenset({rule.id})), decide=decide)
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
    folder = _folder_of(root)
    try:
        return UndoStore(folder).undo(force=force)
    except NothingToUndoError as error:
        others = [str(one) for one in _other_roots(folder)]
        hint = f" There is something in {', '.join(others)}." if others else ""
        raise RefusedError(f"{error}{hint}") from error
    except (StaleFileError, ValueError, OSError) as error:
        raise RefusedError(str(error)) from error


def check_clean(root: Path, *, force: bool = False) -> None:
    """Check that what is about to be written can be told from other work.

    Raises:
        RefusedError: Something in the folder is uncommitted.
    """
    if force:
        return
    try:
        changed = [name for name in uncommitted(_folder_of(root)) if FOLDER not in name]
    except GitError as error:
        raise RefusedError(str(error)) from error
    if changed:
        names = ", ".join(changed[:_SHOWN]) + (", ..." if len(changed) > _SHOWN else "")
        raise RefusedError(f"Commit first ({names}), or use --force.")


def _take_back(store: UndoStore) -> None:
    """Restore what was written before a file could not be.

    Raises:
        RefusedError: That is not possible either; `undo` may do it later.
    """
    try:
        store.undo()
    except (StaleFileError, ValueError, OSError) as error:
        raise RefusedError(
            f"Some files are changed and some are not: {error}. "
            "`twilio-compat migrate undo` takes back those that are."
        ) from error


def _other_roots(folder: Path) -> list[Path]:
    """Folders above and right below one that have something to undo."""
    below = (f"{depth}{FOLDER}/undo/*.json" for depth in ("*/", "*/*/"))
    kept = [path.parents[2] for pattern in below for path in folder.glob(pattern)]
    kept += [one for one in folder.resolve().parents if any(one.glob(f"{FOLDER}/undo/*.json"))]
    return sorted(set(kept))


def _folder_of(root: Path) -> Path:
    """Where the paths of what is done to a file or folder begin, as in its plan."""
    return root if root.is_dir() else root.resolve().parent
