"""What happened in the room, in order: one list that is shown, written and put into the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import final

__all__ = ["Entry", "Trace", "View", "write_trace"]


class View(StrEnum):
    """Through whose API something was seen."""

    TWILIO = "twilio"
    ACS = "acs"
    STORY = "story"
    """What the demo itself does, such as muting somebody."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event.

    Attributes:
        time: Seconds since the demo began to connect.
        view: Which API told it.
        who: The program that heard it, or did it.
        event: The vendor's name of the event, or what was done.
        detail: About whom or what.
    """

    time: float
    view: View
    who: str
    event: str
    detail: str = ""


@final
class Trace:
    """Collects entries and hands each to one listener.

    Args:
        clock: Seconds on a steady clock.
        listener: Called with each entry as it happens.
    """

    def __init__(self, clock: Callable[[], float], listener: Callable[[Entry], None]) -> None:
        self._clock = clock
        self._start = clock()
        self._listener = listener
        self.entries: list[Entry] = []

    @property
    def now(self) -> float:
        """Seconds since the trace was made."""
        return self._clock() - self._start

    def add(self, view: View, who: str, event: str, detail: str = "") -> None:
        """Note that something happened now."""
        entry = Entry(round(self.now, 3), view, who, event, detail)
        self.entries.append(entry)
        self._listener(entry)


def write_trace(entries: Iterable[Entry], path: Path) -> None:
    """Write one JSON object per line."""
    lines = (json.dumps(asdict(entry), ensure_ascii=False) for entry in entries)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
