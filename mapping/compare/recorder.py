"""A trace of somebody's own program.

::

    async with record(room, "before.jsonl", actor="bot"):
        ...  # the program, as it is

Two such traces, of the program before and after a migration, are compared with
`twilio-compat compare before.jsonl after.jsonl`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO, final

from acs_core import Call
from mapping.compare.listening import listen_to_call, listen_to_room
from mapping.compare.trace import Entry, EntryKind, Header, Trace, open_trace
from mapping.compare.vocabulary import described_room
from twilio_compat import Room

__all__ = ["Recorder", "record"]


def record(
    source: Room | Call,
    path: str | Path | None = None,
    *,
    actor: str = "me",
    scenario: str = "",
    dominant_speaker: bool = False,
) -> Recorder:
    """What writes down the events of a room or call, while it is used as a context manager.

    Args:
        source: Connected. What it is subscribed to already is heard at once.
        path: File to write each entry to as it comes; None for none.
        actor: Whose program it is; traces are compared actor by actor.
        scenario: A name for what the program does.
        dominant_speaker: Of a call, whether the dominant speaker is told; of a room the option of
            `connect` decides.
    """
    place = None if path is None else Path(path)
    return Recorder(source, place, actor, scenario, dominant_speaker)


@final
class Recorder:
    """Writes down the events of one room or call; made by `record`.

    The program may add to it: `call` and `result` for what it does, `note` for what it perceives.

    Raises:
        OSError: When entered: the file cannot be written.
    """

    def __init__(
        self,
        source: Room | Call,
        path: Path | None,
        actor: str,
        scenario: str,
        dominant_speaker: bool,
    ) -> None:
        self._dominant_speaker = dominant_speaker
        self._source: Final = source
        self._path = path
        self._actor = actor
        implementation = "twilio" if isinstance(source, Room) else "native"
        self._header = Header(implementation, scenario)
        self._entries: list[Entry] = []
        self._began = time.monotonic()
        self._file: TextIO | None = None
        self._forget: Callable[[], None] | None = None

    @property
    def trace(self) -> Trace:
        """All that was written down so far."""
        return Trace(self._header, tuple(self._entries))

    def call(self, name: str, **args: Any) -> None:
        """Write down that the program does something; arguments are JSON."""
        self._write(EntryKind.CALL, name, args)

    def result(self, name: str, value: Any = None) -> None:
        """Write down what came of it, as JSON."""
        self._write(EntryKind.RESULT, name, {"value": value})

    def note(self, name: str, **args: Any) -> None:
        """Write down what the program saw or heard, as `note("sees", of="ann", color="red")`."""
        self._write(EntryKind.MEDIA, name, args)

    async def __aenter__(self) -> Self:
        if self._path is not None:
            self._file = open_trace(self._path)
            self._put(self._header.line())
        source = self._source
        if isinstance(source, Room):
            self._forget = listen_to_room(source, self._hear)
        else:
            info = source.info.room
            sid = f"RM{await source.info.get_server_call_id()}"
            room = described_room("" if info is None else info.name or "", sid)
            self._forget = listen_to_call(
                source, self._hear, room=room, dominant_speaker=self._dominant_speaker
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._forget is not None:
            self._forget()
        if self._file is not None:
            self._file.close()

    def _hear(self, event: str, args: list[Any]) -> None:
        self._write(EntryKind.EVENT, event, args)

    def _write(self, kind: EntryKind, name: str, args: Any) -> None:
        entry = Entry(time.monotonic() - self._began, self._actor, kind, name, args)
        self._entries.append(entry)
        self._put(entry.line())

    def _put(self, line: str) -> None:
        if self._file is not None:
            self._file.write(line + "\n")
            # Whoever looks for the reason of a crash needs the last line.
            self._file.flush()
