"""Shows the room while the demo runs: live for a terminal, lines for a file, JSON for a program.

Two columns: what a Twilio program hears on the left, what an ACS program hears on the right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import Final, Protocol, final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from twilio_compat.demo.trace import Entry, View
from twilio_compat.demo.watch import AUDIBLE, Watch

__all__ = ["JsonScreen", "LiveScreen", "PlainScreen", "Screen", "events_table", "pair_up"]

LEFT: Final = "alice"
"""Whose Twilio events are on the left."""
TOGETHER: Final = 0.08
"""Seconds within which events of both sides share their lines."""

Watches = Mapping[tuple[str, str], Watch]


class Screen(Protocol):
    """Where the demo is shown."""

    def note(self, text: str) -> None:
        """Say something about the demo itself."""

    def add(self, entry: Entry) -> None:
        """Show an event."""

    def refresh(self, watches: Watches) -> None:
        """Show what everybody gets now; called a few times a second."""

    def close(self) -> None:
        """The room is over."""


def is_shown(entry: Entry) -> bool:
    """Whether an entry is on screen; the trace file has them all."""
    return entry.view is not View.TWILIO or entry.who == LEFT


def pair_up(entries: Iterable[Entry]) -> list[tuple[Entry | None, Entry | None]]:
    """Lay entries out in lines of (left, right); in each column the order is that of time."""
    lines: list[tuple[Entry | None, Entry | None]] = []
    group: list[Entry] = []
    for entry in filter(is_shown, entries):
        if group and entry.time - group[0].time > TOGETHER:
            lines += _lines(group)
            group = []
        group.append(entry)
    return lines + _lines(group)


def _lines(group: Sequence[Entry]) -> list[tuple[Entry | None, Entry | None]]:
    left = [entry for entry in group if entry.view is not View.ACS]
    right = [entry for entry in group if entry.view is View.ACS]
    return list(zip_longest(left, right))


def events_table(lines: Iterable[tuple[Entry | None, Entry | None]]) -> Table:
    """The two columns as a table."""
    table = Table(box=None, pad_edge=False, expand=False)
    table.add_column("s", justify="right", style="dim", min_width=6)
    table.add_column(f"Twilio: what {LEFT}'s program hears", style="none", min_width=44)
    table.add_column("ACS: what an observer in the same room hears", min_width=44)
    for left, right in lines:
        times = [entry.time for entry in (left, right) if entry is not None]
        table.add_row(f"{min(times):.2f}", _cell(left), _cell(right))
    return table


def _cell(entry: Entry | None) -> Text:
    if entry is None:
        return Text("")
    if entry.view is View.STORY:
        return Text(f"* {entry.who} {entry.event} {entry.detail}", style="bold yellow")
    color = "red" if entry.view is View.TWILIO else "cyan"
    return Text.assemble((entry.event, color), " ", entry.detail)


def status_table(watches: Watches) -> Table:
    """Who gets what of whom, now."""
    names = list(dict.fromkeys(viewer for viewer, _ in watches))
    table = Table(box=None, pad_edge=False)
    table.add_column("receives", style="dim")
    for name in names:
        table.add_column(f"of {name}", min_width=26)
    for viewer in names:
        cells = [_status(watches.get((viewer, sender))) for sender in names]
        table.add_row(viewer, *cells)
    return table


def _status(watch: Watch | None) -> Text:
    if watch is None:
        return Text("-", style="dim")
    bars = max(0, min(10, round((watch.level_now - AUDIBLE) / 4)))
    level = "▮" * bars + "▯" * (10 - bars)
    return Text(f"{watch.frames:4d} pictures {level}", style="green" if watch.frames else "dim")


@final
class LiveScreen:
    """Two columns that grow, and a table of what arrives below, in a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._entries: list[Entry] = []
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def note(self, text: str) -> None:
        """Say something above the columns."""
        self._console.print(text, style="dim", highlight=False)

    def add(self, entry: Entry) -> None:
        """Keep it for the next refresh."""
        self._entries.append(entry)

    def refresh(self, watches: Watches) -> None:
        """Draw the newest lines that fit, and the table."""
        room = max(5, self._console.height - len(watches) - 3)
        newest = pair_up(self._entries)[-room:]
        drawing = Group(events_table(newest), Text(""), status_table(watches))
        self._live.update(drawing, refresh=True)

    def close(self) -> None:
        """Leave all lines on the terminal."""
        self._live.stop()
        self._console.print(events_table(pair_up(self._entries)))


@final
class PlainScreen:
    """One line per event, each in its column: for a log."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str) -> None:
        """Print it."""
        self._print(text)

    def add(self, entry: Entry) -> None:
        """Print it in its column."""
        if not is_shown(entry):
            return
        text = _cell(entry).plain
        place = f"{'':44} | " if entry.view is View.ACS else ""
        self._print(f"{entry.time:6.2f}  {place}{text}")

    def refresh(self, watches: Watches) -> None:
        """Nothing: what arrives is in the table at the end."""

    def close(self) -> None:
        """Nothing is left to print."""

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


@final
class JsonScreen:
    """One JSON object per event, of all programs."""

    def note(self, text: str) -> None:
        """Print it as an event."""
        print(json.dumps({"event": "note", "text": text}), flush=True)

    def add(self, entry: Entry) -> None:
        """Print it."""
        print(json.dumps({"event": "trace", "entry": asdict(entry)}), flush=True)

    def refresh(self, watches: Watches) -> None:
        """Nothing: the summary has the figures."""

    def close(self) -> None:
        """Nothing is left to print."""
