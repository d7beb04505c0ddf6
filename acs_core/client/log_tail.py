"""The end of a log, without secrets: what `Features.DEBUG_INFO` hands out."""

from __future__ import annotations

import logging
import re
from collections import deque
from typing import Final

__all__ = ["LogTail", "redacted"]

LINES: Final = 1000
LINE_LENGTH: Final = 2000

_SECRETS: Final = (
    # Tokens: three parts of base64url (RFC 7519 section 3).
    re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"),
    # Authorization headers (RFC 9110 section 11.6.2), and settings with a telling name.
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(
        r"(?i)(?:(?<=token)|(?<=secret)|(?<=password)|(?<=credential)|(?<=key)|(?<=pwd))"
        r"(?:[\"']?\s*[=:]\s*)[\"']?[^\s\"',;&)]+"
    ),
    # Keys in base64: 32 bytes and more.
    re.compile(r"(?<![\w+/])(?=[\w+/]*[A-Z+/])[A-Za-z0-9+/]{43,}={0,2}"),
)


def redacted(text: str) -> str:
    """The text with stars in place of what looks like a secret."""
    for pattern in _SECRETS:
        text = pattern.sub("***", text)
    return text


class LogTail(logging.Handler):
    """Keeps the last lines of a logger, each cut and without secrets.

    It hears what the logger's level lets through, and is taken back by `detach`.
    """

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        self._lines: deque[str] = deque(maxlen=LINES)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(self)

    @property
    def lines(self) -> tuple[str, ...]:
        """The last 1000, oldest first."""
        return tuple(self._lines)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; logging calls this."""
        try:
            self._lines.append(redacted(self.format(record)[:LINE_LENGTH]))
        except Exception:
            self.handleError(record)

    def detach(self) -> None:
        """Hear no more."""
        self._logger.removeHandler(self)
