"""The data directory: the database's file, media files, and the lock that keeps others out."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Final

from acs_core.errors import ServiceError, Stage

__all__ = ["DataDirectory"]

DATABASE_FILE: Final = "service.sqlite3"
MEDIA: Final = "media"
LOCK: Final = "lock"


class DataDirectory:
    """One directory, for one service at a time; only its owner may read it.

    Args:
        path: Made if it is not there. None: a directory of its own, which goes with the service.
    """

    def __init__(self, path: Path | None) -> None:
        # Made when it is opened, so that a service that never starts leaves nothing behind.
        self._is_temporary = path is None
        own = Path(tempfile.gettempdir()) / f"calling-service-{secrets.token_hex(16)}"
        self.path = (path or own).absolute()
        self._lock: int | None = None

    @property
    def media(self) -> Path:
        """Where media files are."""
        return self.path / MEDIA

    @property
    def database_url(self) -> str:
        """The URL of the database that lives here."""
        return "sqlite://" if self._is_temporary else f"sqlite:///{self.path / DATABASE_FILE}"

    def open(self) -> None:
        """Make what is missing, and keep other services out.

        Raises:
            ServiceError: 503: it cannot be written, or another service uses it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=not self._is_temporary)
            self.media.mkdir(mode=0o700, exist_ok=True)
            self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            is_used = isinstance(error, BlockingIOError)
            reason = "another service uses it" if is_used else (error.strerror or str(error))
            raise ServiceError(
                f"The data directory {self.path} cannot be used: {reason}.",
                code=503,
                stage=Stage.SIGNALING,
                next_step="Choose another --data-dir, or stop the other service.",
            ) from error

    def close(self) -> None:
        """Let others in; a directory of its own is deleted."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            if self._is_temporary:
                shutil.rmtree(self.path, ignore_errors=True)
