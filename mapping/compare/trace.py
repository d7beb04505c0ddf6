"""What participants did and heard, one JSON object per line, in Twilio's words.

The first line is the header, `{"trace": 1, ...}`; each further one is an entry. The words are
Twilio's whatever the implementation is: its adapter translates. Objects of an SDK are written as
JSON objects with a key `is`; see `vocabulary`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TextIO

from acs_core.version import __version__
from mapping.compare.errors import TraceError

__all__ = ["FORMAT", "Entry", "EntryKind", "Header", "Trace", "open_trace"]

FORMAT: Final = 1


class EntryKind(StrEnum):
    """What sort of thing happened."""

    CALL = "call"
    EVENT = "event"
    RESULT = "result"
    ERROR = "error"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that an actor did or heard.

    Attributes:
        t: Seconds since the trace began.
        actor: Whose program it is.
        name: Of the deed or event, as Twilio spells it.
        args: JSON: of an event the list of its arguments, otherwise an object.
        step: Number of the scenario's step during which it happened, from 1; 0 without scenario.
        awaited: Whether the scenario expected it in that step: it is before all later steps.
    """

    t: float
    actor: str
    kind: EntryKind
    name: str
    args: Any
    step: int = 0
    awaited: bool = False

    def line(self) -> str:
        """As a line of a trace, without its end."""
        return json.dumps({**asdict(self), "t": round(self.t, 3)}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Header:
    """What a trace is of.

    Attributes:
        implementation: What the actors were made of.
        scenario: Its name; empty for a program of somebody's own.
        version: Of this library.
        made: The day.
    """

    implementation: str
    scenario: str = ""
    version: str = __version__
    made: date = field(default_factory=lambda: datetime.now(UTC).date())

    def line(self) -> str:
        """As the first line of a trace, without its end."""
        return json.dumps({"trace": FORMAT, **asdict(self), "made": self.made.isoformat()})


@dataclass(frozen=True, slots=True)
class Trace:
    """A header and entries in the order in which they were written down."""

    header: Header
    entries: tuple[Entry, ...]

    @property
    def actors(self) -> tuple[str, ...]:
        """Everybody in it, in the order of appearance."""
        return tuple(dict.fromkeys(entry.actor for entry in self.entries))

    def of(self, actor: str) -> tuple[Entry, ...]:
        """The entries of one actor."""
        return tuple(entry for entry in self.entries if entry.actor == actor)

    def text(self) -> str:
        """All lines."""
        return "\n".join([self.header.line(), *(entry.line() for entry in self.entries), ""])

    def write(self, path: Path) -> None:
        """Write it to a file.

        Raises:
            OSError: It cannot be written.
        """
        with open_trace(path) as file:
            file.write(self.text())

    @classmethod
    def read(cls, path: Path) -> Trace:
        """Read it from a file.

        Raises:
            TraceError: There is no such file, or it holds something else.
        """
        try:
            # Some editors, and shells of Windows, put a mark before the first line.
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise TraceError(f"{path}: {error}") from error
        try:
            # Texts have further signs that end lines, which JSON leaves as they are.
            return cls.parse(text.split("\n"))
        except TraceError as error:
            raise TraceError(f"{path}: {error}") from error

    @classmethod
    def parse(cls, lines: Sequence[str]) -> Trace:
        """Make it of its lines.

        Raises:
            TraceError: They are none of a trace.
        """
        objects = {at: _object(at, line) for at, line in enumerate(lines, 1) if line.strip()}
        if not objects or next(iter(objects.values())).get("trace") != FORMAT:
            raise TraceError(f'line 1: a trace begins with {{"trace": {FORMAT}, ...}}.')
        header, *entries = objects.items()
        return cls(_header(header[1]), tuple(_entry(at, made) for at, made in entries))


def open_trace(path: Path) -> TextIO:
    """A file to write a trace to; its folder is made.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Half of a pair of surrogates, which JavaScript may send, is written as JSON escapes it.
    return path.open("w", encoding="utf-8", errors="backslashreplace")


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        made = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"line {number}: no JSON: {error}") from error
    if not isinstance(made, dict):
        raise TraceError(f"line {number}: an object is needed.")
    return made


def _header(made: dict[str, Any]) -> Header:
    try:
        return Header(
            str(made["implementation"]),
            str(made.get("scenario", "")),
            str(made.get("version", "")),
            date.fromisoformat(made["made"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"line 1: the header lacks or misspells {error}.") from error


def _entry(number: int, made: dict[str, Any]) -> Entry:
    try:
        entry = Entry(
            float(made["t"]),
            str(made["actor"]),
            EntryKind(made["kind"]),
            str(made["name"]),
            made["args"],
            int(made.get("step", 0)),
            bool(made.get("awaited", False)),
        )
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise TraceError(f"line {number}: an entry lacks or misspells {error}.") from error
    wanted = list if entry.kind is EntryKind.EVENT else dict
    if not isinstance(entry.args, wanted):
        raise TraceError(f"line {number}: the args of {entry.kind} are a {wanted.__name__}.")
    return entry
