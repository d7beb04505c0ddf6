"""Twilio's logger on Python's logging, and the options `logLevel` and `loggerName`.

Nothing is set unless a program asks for it: Python programs configure logging themselves. The
loggers of this library are `twilio_compat` and `acs_core` and those below them; the name
"twilio-video", which Twilio's documentation uses, stands for all of them.

Source: twilio-video.js 2.36, `Logger` (the loglevel package) and `lib/util/constants.js`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final, final

from twilio_compat.option_bags import NO_NAMES, merge
from twilio_compat.option_types import LogLevel

__all__ = ["DEFAULT_NAME", "Logger", "RootLogger", "SdkLogger", "apply_log_levels"]

DEFAULT_NAME: Final = "twilio-video"

_OURS: Final = ("twilio_compat", "acs_core")
_LEVELS: Final[Mapping[str, int]] = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "off": logging.CRITICAL + 1,
    "silent": logging.CRITICAL + 1,
}
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "default": _OURS,
    "media": ("acs_core.media",),
    "signaling": ("acs_core.client.signaling",),
    "webrtc": ("acs_core.rtc", "aiortc", "aioice"),
}


def apply_log_levels(value: object, name: str | None = None) -> None:
    """Do what the options `logLevel` and `loggerName` ask for; None for `value` does nothing.

    Args:
        value: A `LogLevel`, or one for each part (`LogLevels`).
        name: A logger of the program whose level is to be set as well.

    Raises:
        TypeError: Neither text nor an object, or an unknown part.
        ValueError: There is no such level.
    """
    if value is None:
        return
    parts = {"default": value} if isinstance(value, str) else value
    chosen = merge("options.logLevel", parts, {}, frozenset(_PARTS), NO_NAMES, NO_NAMES)
    levels = {part: _level(level, set(LogLevel)) for part, level in chosen.items()}
    for part, level in levels.items():
        for logger in _PARTS[part]:
            logging.getLogger(logger).setLevel(level)
    if name is not None and "default" in levels:
        logging.getLogger(name).setLevel(levels["default"])


@final
class SdkLogger:
    """A logger as Twilio's `Logger.getLogger` gives it.

    Args:
        name: "twilio-video" for everything of this library, else the name of a Python logger.
    """

    def __init__(self, name: str) -> None:
        names = _OURS if name == DEFAULT_NAME else (name,)
        self._loggers = tuple(logging.getLogger(one) for one in names)
        self._own = logging.getLogger(name)

    def set_level(self, level: str) -> None:
        """Log what is at least so important: trace, debug, info, warn, error or silent.

        Raises:
            ValueError: There is no such level.
        """
        for logger in {self._own, *self._loggers}:
            logger.setLevel(_level(level, set(_LEVELS)))

    def get_level(self) -> int:
        """The level in force, as Python's logging counts it."""
        return self._loggers[0].getEffectiveLevel()

    def trace(self, message: object, *arguments: object) -> None:
        """Log at the lowest level, which is Python's DEBUG."""
        self._own.debug(message, *arguments)

    def debug(self, message: object, *arguments: object) -> None:
        """Log at level DEBUG."""
        self._own.debug(message, *arguments)

    def info(self, message: object, *arguments: object) -> None:
        """Log at level INFO."""
        self._own.info(message, *arguments)

    def warn(self, message: object, *arguments: object) -> None:
        """Log at level WARNING."""
        self._own.warning(message, *arguments)

    def error(self, message: object, *arguments: object) -> None:
        """Log at level ERROR."""
        self._own.error(message, *arguments)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    setLevel = set_level
    getLevel = get_level


@final
class RootLogger:
    """The constant `Logger`: where loggers come from."""

    def get_logger(self, name: str = DEFAULT_NAME) -> SdkLogger:
        """A logger by name; the same name gives one that controls the same loggers."""
        return SdkLogger(name)

    def set_level(self, level: str) -> None:
        """Set the level of everything of this library.

        Raises:
            ValueError: There is no such level.
        """
        SdkLogger(DEFAULT_NAME).set_level(level)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    getLogger = get_logger
    setLevel = set_level


Logger: Final = RootLogger()
"""`Logger.getLogger("twilio-video").setLevel("debug")`."""


def _level(value: object, known: set[str] | set[LogLevel]) -> int:
    if not isinstance(value, str):
        raise TypeError("level must be a string")
    if value.lower() not in known:
        raise ValueError(f"level must be one of {', '.join(sorted(str(one) for one in known))}")
    return _LEVELS[value.lower()]
