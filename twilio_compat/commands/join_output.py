"""How `join` tells what happens: a live table, plain lines, or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from twilio_compat.commands.arrivals import Arrival
from twilio_compat.commands.client_support import printable

__all__ = [
    "JoinOutput",
    "JsonOutput",
    "PlainOutput",
    "TableOutput",
    "make_output",
    "present_people",
]

_KEPT_EVENTS = 6
_PLAIN_EVERY = 5
"""Samples between two plain reports: a log is not a display."""


class JoinOutput(Protocol):
    """Where `join` tells what happens."""

    def event(self, name: str, **fields: Any) -> None:
        """Something happened."""

    def sample(self, people: Sequence[str], arrivals: Sequence[Arrival]) -> None:
        """A second went by: who is here, and what arrives."""

    def close(self, summary: dict[str, Any]) -> None:
        """It is over."""


class JsonOutput:
    """One JSON object per line."""

    def event(self, name: str, **fields: Any) -> None:
        """Print it."""
        print(json.dumps({"event": name, **fields}), flush=True)

    def sample(self, people: Sequence[str], arrivals: Sequence[Arrival]) -> None:
        """Events and the summary say it all."""

    def close(self, summary: dict[str, Any]) -> None:
        """Print the summary."""
        self.event("summary", **summary)


class PlainOutput:
    """Lines, for logs and pipes."""

    def __init__(self) -> None:
        self._samples = 0

    def event(self, name: str, **fields: Any) -> None:
        """Print it in words."""
        print(_words(name, fields), flush=True)

    def sample(self, people: Sequence[str], arrivals: Sequence[Arrival]) -> None:
        """Print what arrives, every five seconds."""
        self._samples += 1
        if self._samples % _PLAIN_EVERY == 0:
            for arrival in arrivals:
                if arrival.is_here:
                    print(f"  {printable(arrival.participant)}: {_line(arrival)}", flush=True)

    def close(self, summary: dict[str, Any]) -> None:
        """Print what came altogether."""
        print(_closing(summary), flush=True)
        for track in summary["tracks"]:
            print(f"  {printable(track['participant'])}: {_total(track)}", flush=True)


class TableOutput:
    """A table that is kept up to date, for a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._events: list[str] = []
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._people: Sequence[str] = ()
        self._arrivals: Sequence[Arrival] = ()
        self._live.start()

    def event(self, name: str, **fields: Any) -> None:
        """Show it under the table."""
        self._events = [*self._events, _words(name, fields)][-_KEPT_EVENTS:]
        self._draw()

    def sample(self, people: Sequence[str], arrivals: Sequence[Arrival]) -> None:
        """Renew the table."""
        self._people, self._arrivals = people, arrivals
        self._draw()

    def close(self, summary: dict[str, Any]) -> None:
        """Leave the last table on the screen."""
        self._live.stop()
        if self._arrivals:
            self._console.print(_table(self._people, self._arrivals))
        self._console.print(escape(_closing(summary)), highlight=False)

    def _draw(self) -> None:
        lines = Text("\n".join(self._events), style="dim")
        self._live.update(Group(_table(self._people, self._arrivals), lines), refresh=True)


def make_output(*, as_json: bool) -> JoinOutput:
    """What fits the command line and where stdout goes."""
    if as_json:
        return JsonOutput()
    console = Console()
    return TableOutput(console) if console.is_terminal else PlainOutput()


def present_people(people: Sequence[str]) -> str:
    """Who is here, in words."""
    return f"here: {printable(', '.join(people))}" if people else "nobody else is here"


def _table(people: Sequence[str], arrivals: Sequence[Arrival]) -> Table:
    table = Table(title=escape(present_people(people)), title_justify="left", expand=False)
    for heading in ("who", "kind", "codec", "size", "fps", "kbit/s", "level", "loss", "frames"):
        is_number = heading in ("fps", "kbit/s", "level", "loss", "frames")
        table.add_column(heading, justify="right" if is_number else "left")
    for arrival in arrivals:
        style = "" if arrival.is_here and arrival.is_enabled else "dim"
        table.add_row(escape(printable(arrival.participant)), *_cells(arrival), style=style)
    return table


def _cells(arrival: Arrival) -> tuple[str, ...]:
    is_media = arrival.kind != "data"
    size = f"{arrival.width}x{arrival.height}" if arrival.width else ""
    level = "" if arrival.level_dbov is None else f"{arrival.level_dbov} dB"
    return (
        arrival.kind if arrival.is_enabled else f"{arrival.kind} (off)",
        arrival.codec,
        size,
        f"{arrival.frames_per_second:.0f}" if is_media else "",
        f"{arrival.bitrate_bps / 1000:.0f}" if is_media else "",
        level,
        f"{arrival.loss:.1%}" if is_media else "",
        str(arrival.frames),
    )


def _line(arrival: Arrival) -> str:
    kind, codec, size, fps, rate, level, loss, frames = _cells(arrival)
    if arrival.kind == "data":
        return f"{kind}, {frames} messages"
    parts = (kind, codec, size, f"{fps} fps", f"{rate} kbit/s", level, f"loss {loss}")
    return ", ".join(part for part in parts if part)


def _total(track: dict[str, Any]) -> str:
    count = f"{track['frames']} {'messages' if track['kind'] == 'data' else 'frames'}"
    size = f" {track['width']}x{track['height']}" if track["width"] else ""
    return (
        f"{track['kind']}{size}, {count}, {track['bytes'] / 1000:.0f} kB, loss {track['loss']:.1%}"
    )


def _words(name: str, fields: dict[str, Any]) -> str:
    details = " ".join(f"{key}={value}" for key, value in fields.items() if value is not None)
    return printable(f"{name} {details}".rstrip())


def _closing(summary: dict[str, Any]) -> str:
    text = f"left {printable(summary['room'])} after {summary['seconds']:.1f} s"
    everybody = [summary["recording"]] if "recording" in summary else []
    for file in (*everybody, *summary.get("recordings", ())):
        text += f"; recorded {file['duration']:.1f} s to {file['path']}"
    return text
