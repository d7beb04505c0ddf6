"""What the codemod asks of git: whether something is uncommitted, and to commit one rule's changes.

Without git, or outside of a repository, nothing is ever uncommitted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["GitError", "commit", "is_repository", "uncommitted"]

_DEADLINE: Final = 60.0


class GitError(RuntimeError):
    """Git refused; the message is its own."""


def is_repository(folder: Path) -> bool:
    """Whether a folder belongs to a working tree.

    Raises:
        GitError: There is one, and git does not open it, as when it belongs to another user.
    """
    if shutil.which("git") is None:
        return False
    try:
        return _git(folder, "rev-parse", "--is-inside-work-tree").strip() == "true"
    except GitError as error:
        if "not a git repository" in str(error):
            return False
        raise


def uncommitted(folder: Path) -> list[str]:
    """Paths below a folder that are not as committed, as git writes them; untracked ones count.

    Raises:
        GitError: Git cannot say.
    """
    if not is_repository(folder):
        return []
    lines = _git(folder, "status", "--porcelain", "--", ".").splitlines()
    return [line[3:] for line in lines]


def commit(folder: Path, paths: Sequence[Path], message: str) -> None:
    """Commit files, and nothing else that may be staged.

    Raises:
        GitError: Git refused.
    """
    names = [str(path.resolve()) for path in paths]
    _git(folder, "add", "--", *names)
    _git(folder, "commit", "--quiet", "--message", message, "--", *names)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_DEADLINE,
            check=False,
            env={**os.environ, "LC_ALL": "C"},  # Its messages are read.
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git does not run: {error}") from error
    if done.returncode != 0:
        raise GitError(done.stderr.strip() or f"git {arguments[0]} failed")
    return done.stdout
