"""What participants did and heard, one JSON object per line, in Twilio's words.

The first line is the header, `{"trace": 1, ...}`; each further one is an entry. The words are
Twilio's whatever the implementation is: its adapter translates. Objects of an SDK are written as
JSON objects with a key `is`; see `vocabulary`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from acs_core.version import __version__
from mapping.compare.errors import TraceError

__all__ = ["FORMAT", "Entry", "EntryKind", "Header", "Trace"]

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
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text(), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Trace:
        """Read it from a file.

        Raises:
            TraceError: There is no such file, or it holds something else.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TraceError(f"{path}: {error}") from error
        try:
            return cls.parse(text.splitlines())
        except TraceError as error:
            raise TraceError(f"{path}: {error}") from error

    @classmethod
    def parse(cls, lines: Sequence[str]) -> Trace:
        """Make it of its lines.

        Raises:
            TraceError: They are none of a trace.
        """
        objects = [_object(number, line) for number, line in enumerate(lines, 1) if line.strip()]
        if not objects or objects[0].get("trace") != FORMAT:
            raise TraceError(f'line 1: a trace begins with {{"trace": {FORMAT}, ...}}.')
        return cls(_header(objects[0]), tuple(_entries(objects[1:])))


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        made = json.loads(line)
    except ValueError as error:
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


def _entries(objects: Iterable[dict[str, Any]]) -> Iterable[Entry]:
    for number, made in enumerate(objects, 2):
        try:
            yield Entry(
                float(made["t"]),
                str(made["actor"]),
                EntryKind(made["kind"]),
                str(made["name"]),
                made["args"],
                int(made.get("step", 0)),
                bool(made.get("awaited", False)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TraceError(f"line {number}: an entry lacks or misspells {error}.") from error
