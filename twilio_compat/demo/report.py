"""What the demo leaves behind: pictures, a contact sheet, the trace, and a page that shows all."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from rich.table import Table

from acs_core.errors import MediaError, Stage
from acs_core.media.frames import save_rgb
from twilio_compat.demo.scenario import Outcome
from twilio_compat.demo.sheet import contact_sheet
from twilio_compat.demo.show import pair_up
from twilio_compat.demo.trace import Entry, View, write_trace

__all__ = ["Files", "prepare_folder", "result_table", "write_report"]

RECORDING: Final = "carol-received.mp4"
SHEET: Final = "contact-sheet.png"
TRACE: Final = "trace.jsonl"
PAGE: Final = "index.html"


class Files:
    """Where everything goes.

    Attributes:
        folder: The one of `--out`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recording = folder / RECORDING
        self.sheet = folder / SHEET
        self.trace = folder / TRACE
        self.page = folder / PAGE


def prepare_folder(folder: Path) -> Files:
    """Make the folder, and take away what an earlier run left in it.

    Raises:
        MediaError: It cannot be written.
    """
    files = Files(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in [*folder.glob("*-sees-*.png"), files.recording, files.sheet]:
            old.unlink(missing_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise MediaError(
            f"The folder {folder} cannot be written: {error.strerror}.",
            stage=Stage.ARGUMENT,
            next_step="Choose another one with --out.",
        ) from error
    return files


def write_report(outcome: Outcome, entries: Sequence[Entry], files: Files) -> None:
    """Write everything but the recording, which is there already; blocks."""
    write_trace(entries, files.trace)
    for watch in outcome.watches:
        for number, shot in enumerate(watch.shots, 1):
            shot.frame.save(files.folder / f"{watch.viewer}-sees-{watch.sender}-{number}.png")
    sheet = contact_sheet(outcome.watches, start=outcome.start, end=outcome.start + outcome.seconds)
    save_rgb(sheet, files.sheet)
    files.page.write_text(_page(outcome, entries, files), encoding="utf-8")


def result_table(outcome: Outcome) -> Table:
    """Who saw and heard whom, in figures."""
    table = Table(box=None, pad_edge=False, title_justify="left")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in _COLUMNS[:2] else "right")
    for row in _rows(outcome):
        table.add_row(*row)
    return table


_COLUMNS: Final = (
    "viewer", "sender", "picture", "fps", "first picture", "longest gap", "voice", "level",
)  # fmt: skip


def _rows(outcome: Outcome) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for watch in outcome.watches:
        first = outcome.first_frames.get((watch.viewer, watch.sender))
        rows.append(
            (
                watch.viewer,
                watch.sender,
                f"{watch.width}x{watch.height}" if watch.frames else "none",
                f"{watch.fps:.1f}",
                "never" if first is None else f"{first * 1000:.0f} ms",
                f"{watch.longest_gap * 1000:.0f} ms",
                f"{watch.audible:.1f} s",
                f"{watch.level:.0f} dBov" if watch.audible else "silent",
            )
        )
    return rows


# ------------------------------------------------------------ the page

_STYLE: Final = """
:root{color-scheme:dark light;--paper:#181a1f;--ink:#e8eaed;--pale:#9aa0aa;--line:#30343c}
@media(prefers-color-scheme:light){:root{--paper:#fff;--ink:#202124;--pale:#5f6368;--line:#dadce0}}
body{margin:2rem auto;max-width:1320px;padding:0 1rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2rem}p{color:var(--pale)}
img,video{max-width:100%;border-radius:6px}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);
vertical-align:top}th{color:var(--pale);font-weight:500}
.twilio{color:#e5534b}.acs{color:#3fa9c9}.story{color:#d29922;font-weight:600}
.ok{color:#3fb950}.bad{color:#e5534b;font-weight:600}td.time{color:var(--pale);width:4rem}
"""


def _page(outcome: Outcome, entries: Sequence[Entry], files: Files) -> str:
    sheet = _data("image/png", files.sheet)
    video = _data("video/mp4", files.recording) if files.recording.exists() else ""
    bad = sum(not check.ok for check in outcome.checks)
    verdict = "Everybody saw and heard everybody." if not bad else f"{bad} checks failed."
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>twilio-compat demo</title>",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        f"<style>{_STYLE}</style><h1>{html.escape(verdict)}</h1>",
        "<p>Three Twilio-style programs (alice, bob, carol) and one ACS-style program (observer) "
        f"in one room for {outcome.seconds:.1f} s.</p>",
        "<h2>What Carol received</h2>",
        "<p>Alice left, Bob right, both voices. Each speaks in turn; Bob is muted at first.</p>",
        f"<video controls src='{video}'></video>",
        "<h2>Who saw and heard whom</h2>",
        "<p>Two moments each; the strip below is the sound over the whole time.</p>",
        f"<img alt='contact sheet' src='{sheet}'>",
        _table(_COLUMNS, _rows(outcome)),
        "<h2>Checks</h2>",
        _checks(outcome),
        "<h2>What both kinds of program heard</h2>",
        _events(entries),
        "</html>\n",
    ]
    return "\n".join(parts)


def _data(kind: str, path: Path) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = "".join(f"<th>{html.escape(name)}" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in row) + "\n" for row in rows
    )
    return f"<table><tr>{titles}\n{body}</table>"


def _checks(outcome: Outcome) -> str:
    lines = []
    for check in outcome.checks:
        mark = "<td class=ok>ok" if check.ok else "<td class=bad>failed"
        words = f"<td>{html.escape(check.who)} {html.escape(check.what)}"
        lines.append(f"<tr>{mark}{words}<td>{html.escape(check.detail)}\n")
    return f"<table>{''.join(lines)}</table>"


def _events(entries: Sequence[Entry]) -> str:
    lines = []
    for left, right in pair_up(entries):
        time = min(entry.time for entry in (left, right) if entry is not None)
        lines.append(f"<tr><td class=time>{time:.2f}<td>{_event(left)}<td>{_event(right)}\n")
    head = "<tr><th>s<th>Twilio: alice<th>ACS: observer\n"
    return f"<table>{head}{''.join(lines)}</table>"


def _event(entry: Entry | None) -> str:
    if entry is None:
        return ""
    name = f"{entry.who} {entry.event}" if entry.view is View.STORY else entry.event
    return f"<span class={entry.view}>{html.escape(name)}</span> {html.escape(entry.detail)}"
