"""Plans of many files: which files, what happens to them, and writing them.

Which files those are is what `mapping.scan.walk` says. A file whose bytes are no text, or that
changed since it was read, is left alone.
"""

from __future__ import annotations

import re
import stat
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mapping.rewrite.edits import Change
from mapping.rewrite.planner import Decide, FilePlan, PlanOptions, plan_text
from mapping.rewrite.syntax import Language, language_of
from mapping.rewrite.texts import FileText, UnreadableFileError, decode, encode, write_atomically
from mapping.scan.modules import imports_of, modules_of
from mapping.scan.walk import walk

__all__ = [
    "FileOnDisk",
    "ProjectPlan",
    "StaleFileError",
    "check_plan",
    "plan_project",
    "write_plan",
]

# What is no text concerns nobody unless it speaks of what rules are about.
_MARKS: Final = re.compile(rb"twilio|acs_core|azure.communication", re.IGNORECASE)
_WRITABLE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class StaleFileError(RuntimeError):
    """A file was changed by somebody else between plan and writing, or is not to be changed."""


@dataclass(frozen=True, slots=True)
class FileOnDisk:
    """A file that was read, and what happens to it."""

    path: Path
    data: bytes
    file: FileText
    plan: FilePlan


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """What happens to a project.

    Attributes:
        root: Folder that the paths of the plans begin at.
        files: Those with changes, with something to tell, or with problems; in order of paths.
        looked_at: How many files were read.
        uses: At how many places all of them use an API.
        kept_scripts: How many files in JavaScript or TypeScript use one, and have no changes.
    """

    root: Path
    files: tuple[FileOnDisk, ...]
    looked_at: int
    uses: int
    kept_scripts: int = 0

    @property
    def changed(self) -> list[FileOnDisk]:
        """Files of which something becomes different."""
        return [one for one in self.files if one.plan.after != one.plan.before]

    @property
    def changes(self) -> list[Change]:
        """All changes."""
        return [change for one in self.files for change in one.plan.changes]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Files that could not be read, and why."""
        return [(one.plan.path, one.plan.problem) for one in self.files if one.plan.problem]

    def counts(self) -> Counter[str]:
        """How many changes each rule makes, notes among them."""
        return Counter(change.rule for change in self.changes)


def plan_project(
    root: Path,
    options: PlanOptions,
    *,
    decide: Callable[[FilePlan], Decide] | None = None,
    on_file: Callable[[Path], None] = lambda path: None,
) -> ProjectPlan:
    """Plan the changes of a file or of all files of a folder.

    Args:
        root: File or folder.
        options: What is asked for.
        decide: Makes, for a file as planned, the function that is asked for each of its changes.
        on_file: Told of each file before it is read.

    Raises:
        FileNotFoundError: There is nothing at `root`.
    """
    if not root.exists():
        raise FileNotFoundError(f"There is nothing at {root}.")
    if root.is_file():
        root = root.resolve()  # What is kept for undoing lies beside the file, not beside a link.
    folder = root if root.is_dir() else root.parent
    read: list[FileOnDisk] = []
    for path, name in walk(root):
        if language_of(name) is not None:
            on_file(path)
            read.append(_read_file(path, name))
    exports = _exports({one.plan.path: one.file.text for one in read})
    found: list[FileOnDisk] = []
    uses = kept = 0
    for one in read:
        if not one.plan.problem:
            one = _planned(one, options, exports, decide)
        plan = one.plan
        uses += plan.uses
        kept += _is_script(plan.path) and plan.uses > 0 and not plan.changes
        is_clear = not (plan.changes or plan.unsure or plan.withheld or plan.left)
        if not is_clear or plan.problem or plan.comments:
            found.append(one)
    return ProjectPlan(folder, tuple(found), len(read), uses, kept)


def check_plan(files: Sequence[FileOnDisk]) -> None:
    """Check that all changed files can be written; nothing is written yet.

    Raises:
        StaleFileError: One of them is no longer what was read, or is read-only.
        UnreadableFileError: A change has characters that the file's encoding has not.
        OSError: A file is gone.
    """
    for one in files:
        if one.path.read_bytes() != one.data:
            raise StaleFileError(f"{one.path} has changed since it was read; run it again.")
        # The mode, not `os.access`: root may write everything, and replacing asks nobody.
        if not one.path.stat().st_mode & _WRITABLE:
            raise StaleFileError(f"{one.path} is read-only; make it writable, then run it again.")
        encode(one.file, one.plan.after)


def write_plan(files: Sequence[FileOnDisk]) -> None:
    """Write the changed files, each in one step; `check_plan` comes first.

    Raises:
        OSError: A file cannot be written; those before it are.
    """
    for one in files:
        write_atomically(one.path, encode(one.file, one.plan.after))


def _read_file(path: Path, name: str) -> FileOnDisk:
    """A file with a plan that changes nothing yet."""
    empty = FileText("", "utf-8")
    try:
        data = path.read_bytes()
        file = decode(data, is_python=language_of(name) is Language.PYTHON)
    except UnreadableFileError as error:
        problem = str(error) if _MARKS.search(data) else ""
        return FileOnDisk(path, data, empty, FilePlan(name, "", "", problem=problem))
    except OSError as error:
        problem = f"cannot be opened: {error.strerror}"
        return FileOnDisk(path, b"", empty, FilePlan(name, "", "", problem=problem))
    return FileOnDisk(path, data, file, FilePlan(name, file.text, file.text))


def _exports(texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What scripts that name an SDK export, by their paths; empty if nothing could import it."""
    from mapping.sources import javascript

    if not any(imports_of(path, text) for path, text in texts.items() if _is_script(path)):
        return {}
    return {
        path: exports
        for path, text in texts.items()
        if _is_script(path) and javascript.could_use(text)
        if (exports := javascript.read(path, text).exports)
    }


def _planned(
    one: FileOnDisk,
    options: PlanOptions,
    exports: Mapping[str, Mapping[str, str]],
    decide: Callable[[FilePlan], Decide] | None,
) -> FileOnDisk:
    path, text = one.plan.path, one.plan.before
    modules: dict[str, Mapping[str, str]] = {}
    if exports and _is_script(path):
        modules = modules_of(path, imports_of(path, text), exports)
    plan = plan_text(path, text, options, modules=modules)
    if decide is not None and plan.changes:
        plan = plan_text(path, text, options, decide(plan), modules=modules)
    return replace(one, plan=plan)


def _is_script(path: str) -> bool:
    return language_of(path) not in (None, Language.PYTHON)
