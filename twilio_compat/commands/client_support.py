"""What the commands that enter calls have in common: the address, the token, the media, the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.media.sources import MediaKind
from acs_core.models import DEFAULT_SERVICE_URL
from acs_core.service.settings import load_settings
from twilio_compat.settings import ServerSettings
from twilio_compat.tokens import AccessToken

__all__ = ["Access", "load_access", "make_token", "media_option", "printable", "stop_signals"]

NONE: Final = "none"
_WORDS: Final[dict[MediaKind, tuple[str, ...]]] = {
    "video": ("camera", "screen", "pattern"),
    "audio": ("microphone", "tone"),
}


@dataclass(frozen=True, slots=True)
class Access:
    """How a command gets into the service.

    Attributes:
        url: Of the service.
        settings: Where tokens come from when none was given.
        given: A token of the command line, used for whoever enters.
    """

    url: str
    settings: ServerSettings
    given: str | None

    def token(self, identity: str, room: str | None = None) -> str:
        """The given token, or a new one.

        Raises:
            InvalidArgumentError: None was given, and there are no credentials to make one.
        """
        return self.given or make_token(self.settings, identity, room, 3600)


def load_access(url: str | None, token: str | None, config_file: Path | None) -> Access:
    """Read what a command needs to find the service and be let in.

    Args:
        url: Of the command line; else `CALLING_SERVICE_URL`, else this machine.
        token: Of the command line.
        config_file: Of the command line.

    Raises:
        InvalidArgumentError: The configuration is not usable.
    """
    flags = {"config_file": config_file}
    settings = load_settings(ServerSettings, flags, directory=Path.cwd())
    chosen = url or os.environ.get("CALLING_SERVICE_URL") or DEFAULT_SERVICE_URL
    return Access(chosen.rstrip("/"), settings, token)


def make_token(settings: ServerSettings, identity: str, room: str | None, ttl: int) -> str:
    """A Twilio access token of the first configured API key.

    Raises:
        InvalidArgumentError: There are no credentials, or the ttl is out of range.
    """
    if settings.twilio_account_sid is None or not settings.api_keys:
        raise InvalidArgumentError(
            "No Twilio credentials are configured.",
            stage=Stage.TOKEN,
            next_step="Set TWILIO_ACCOUNT_SID, TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET; "
            "`twilio-compat serve --dev` prints some.",
        )
    sid, key = next(iter(settings.api_keys.items()))
    return AccessToken(settings.twilio_account_sid, sid, key.secret, identity, room, ttl).to_jwt()


def media_option(kind: MediaKind, text: str) -> bool | dict[str, Any]:
    """Turn a word or path of the command line into the option of `connect`; files are repeated.

    Raises:
        InvalidArgumentError: A word of the other kind, which would be taken for a file.
    """
    if text == NONE:
        return False
    if text in _WORDS[kind]:
        return {"source": text}
    if any(text in words for words in _WORDS.values()):
        raise InvalidArgumentError(
            f"{text!r} is no {kind}.",
            stage=Stage.ARGUMENT,
            next_step=f"Use the path of a file, none, {' or '.join(_WORDS[kind])}.",
        )
    return {"source": text, "loop": True}


def printable(text: str) -> str:
    """A text for a terminal that others chose: what is not printable could steer it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


@contextlib.contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set, instead of what they do otherwise."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
