"""Taking back what was written: a folder `.twilio-compat/` beside the migrated files.

Each run that writes leaves one entry: the bytes of every file before, and a digest of what it
became. `undo` restores the newest entry, unless a file is now neither of the two: a run that was
killed between two files has left both kinds. The folder ignores itself in git.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mapping.rewrite.project import FileOnDisk, StaleFileError
from mapping.rewrite.texts import encode, remove_leftovers, write_atomically

__all__ = ["FOLDER", "Entry", "NothingToUndoError", "UndoStore"]

FOLDER: Final = ".twilio-compat"


class NothingToUndoError(RuntimeError):
    """No run has left anything that could be taken back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One run that wrote files.

    Attributes:
        path: Where it is kept.
        made_at: When it was made.
        files: Paths of the files, from the project's root.
        rules: How many changes each rule made.
    """

    path: Path
    made_at: str
    files: tuple[str, ...]
    rules: dict[str, int]


class UndoStore:
    """What can be taken back in a project.

    Args:
        root: Folder that the paths of the files begin at.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / FOLDER / "undo"

    def _path(self, name: str) -> Path:
        """A file of an entry; entries can come with a project and name anything."""
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root.resolve()):
            raise ValueError(f"{name} is outside of {self._root}.")
        return path

    def entries(self) -> list[Entry]:
        """All that is kept, the newest last.

        Raises:
            ValueError: An entry is damaged.
        """
        if not self._folder.is_dir():
            return []
        found = []
        for path in sorted(self._folder.glob("*.json")):
            data = _load(path)
            files = tuple(one["path"] for one in data["files"])
            found.append(Entry(path, data["made_at"], files, data["rules"]))
        return found

    def keep(self, files: Sequence[FileOnDisk], rules: dict[str, int]) -> Entry:
        """Keep what the files are now; call it before they are written.

        Raises:
            OSError: The folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        ignore = self._root / FOLDER / ".gitignore"
        if not ignore.exists():
            write_atomically(ignore, b"*\n")
        made_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        number = 1 + max(
            (int(one.stem) for one in self._folder.glob("[0-9]" * 4 + ".json")), default=0
        )
        path = self._folder / f"{number:04}.json"
        data = {
            "made_at": made_at,
            "rules": rules,
            "files": [
                {
                    "path": one.path.relative_to(self._root).as_posix(),
                    "before": base64.b64encode(one.data).decode(),
                    "after": _digest(encode(one.file, one.plan.after)),
                }
                for one in files
            ],
        }
        write_atomically(path, json.dumps(data, indent=1).encode())
        return Entry(path, made_at, tuple(one["path"] for one in _load(path)["files"]), rules)

    def undo(self, *, force: bool = False) -> Entry:
        """Restore the files of the newest entry, and forget it.

        Args:
            force: Restore files that were changed since, too.

        Raises:
            NothingToUndoError: There is no entry.
            StaleFileError: Files were changed since; nothing is restored.
            ValueError: The entry is damaged.
            OSError: A file cannot be written.
        """
        entries = self.entries()
        if not entries:
            raise NothingToUndoError(f"There is nothing to undo in {self._root}.")
        newest = entries[-1]
        kept = {
            self._path(one["path"]): (base64.b64decode(one["before"]), one["after"])
            for one in _load(newest.path)["files"]
        }
        now = {path: path.read_bytes() if path.is_file() else None for path in kept}
        changed = [
            path.relative_to(self._root.resolve()).as_posix()
            for path, (before, after) in kept.items()
            if (data := now[path]) != before and (data is None or _digest(data) != after)
        ]
        if changed and not force:
            raise StaleFileError(
                f"Changed since they were migrated: {', '.join(changed)}; "
                "--force restores what they were before."
            )
        for path, (before, _) in kept.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(path)
            if now[path] != before:
                write_atomically(path, before)
        newest.path.unlink()
        return newest


def _load(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(data, dict) or not {"made_at", "rules", "files"} <= data.keys():
        raise ValueError(f"{path} is damaged: it does not say what was made.")
    return data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
