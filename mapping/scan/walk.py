"""The files of a program that are worth reading."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from mapping.sources.js_tree import TEMPLATES

__all__ = ["MAX_SIZE", "SKIPPED", "walk"]

SKIPPED: Final = frozenset(
    {
        ".git",
        ".hg",
        ".next",
        ".nuxt",
        ".svn",
        ".tox",
        ".venv",
        ".yarn",
        "__pycache__",
        "bower_components",
        "build",
        "coverage",
        "dist",
        "node_modules",
        "site-packages",
        "venv",
        "vendor",
    }
)
"""Folders of what others wrote or programs made."""

MAX_SIZE: Final = 1_000_000
"""Bytes; larger files are data or bundles."""

_SUFFIXES: Final = (
    ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts",
    ".html", ".htm", ".vue", ".svelte", *TEMPLATES,
    ".py", ".pyi", ".swift", ".kt", ".java", ".m", ".cs", ".go", ".rb",
    ".xml", ".tf", ".bicep", ".yml", ".yaml",
)  # fmt: skip
_NAMES: Final = (
    "package.json", "package-lock.json", "pyproject.toml", "poetry.lock", "Pipfile",
    "Pipfile.lock", "setup.py", "setup.cfg", "build.gradle", "yarn.lock",
)  # fmt: skip
_MINIFIED: Final = re.compile(r"[.-](?:min|bundle|chunk)\.[cm]?js$|\.d\.ts$")


@dataclass(frozen=True, slots=True)
class _Ignore:
    """One line of a .gitignore, of the folder it stands in."""

    folder: str
    pattern: str
    is_anchored: bool
    is_folder: bool
    is_negated: bool

    def covers(self, path: str, is_folder: bool) -> bool:
        if self.is_folder and not is_folder:
            return False
        inner = path.removeprefix(self.folder)
        if self.is_anchored:
            return fnmatchcase(inner, self.pattern)
        return fnmatchcase(inner.rpartition("/")[2], self.pattern)


def walk(root: Path) -> Iterator[tuple[Path, str]]:
    """Give each file worth reading with its path relative to `root`, sorted; `root` may be one.

    Left out are folders of `SKIPPED`, what `.gitignore` files exclude (the common forms of their
    patterns), minified files and those longer than `MAX_SIZE`. Links are not followed.
    """
    if root.is_file():
        yield root, root.name
        return
    yield from _folder(root, "", [])


def _folder(folder: Path, prefix: str, ignores: list[_Ignore]) -> Iterator[tuple[Path, str]]:
    own = [*ignores, *_ignores(folder, prefix)]
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = prefix + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.is_symlink() or _is_ignored(own, path, is_folder):
            continue
        if is_folder:
            if entry.name not in SKIPPED and not entry.name.endswith(".egg-info"):
                yield from _folder(Path(entry.path), path + "/", own)
        elif entry.is_file() and _is_wanted(entry.name) and entry.stat().st_size <= MAX_SIZE:
            yield Path(entry.path), path


def _is_wanted(name: str) -> bool:
    if name in _NAMES or name.startswith(".env") or re.fullmatch(r"requirements.*\.txt", name):
        return True
    return name.lower().endswith(_SUFFIXES) and not _MINIFIED.search(name)


def _ignores(folder: Path, prefix: str) -> list[_Ignore]:
    try:
        text = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found: list[_Ignore] = []
    for line in text.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        is_negated = pattern.startswith("!")
        pattern = pattern.removeprefix("!")
        is_folder = pattern.endswith("/")
        pattern = pattern.rstrip("/").removeprefix("**/")
        is_anchored = "/" in pattern
        found.append(_Ignore(prefix, pattern.removeprefix("/"), is_anchored, is_folder, is_negated))
    return found


def _is_ignored(ignores: list[_Ignore], path: str, is_folder: bool) -> bool:
    result = False
    for each in ignores:
        if each.covers(path, is_folder):
            result = not each.is_negated
    return result
