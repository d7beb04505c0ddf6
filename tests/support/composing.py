"""Compositions whose database and files outlive them, and a renderer that waits to be told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from acs_core.compositing.job import AudioPart, FileFormat, Rendered, RenderJob
from acs_core.compositing.layout import Region
from acs_core.service.compositions import (
    Composition,
    CompositionEvent,
    CompositionOrder,
    Compositions,
    CompositionState,
)
from acs_core.service.store.calls import Window
from acs_core.service.store.database import Database
from tests.support.recorded_calls import RecordedCalls

__all__ = ["ALL", "CALL", "GRID", "SOUND", "Studio", "state_of"]

CALL = "c" * 32
SOUND = CompositionOrder(format=FileFormat.WAV, audio=AudioPart())
ALL = Window(limit=100)
GRID = CompositionOrder(
    format=FileFormat.MP4,
    regions={"grid": Region(video_sources=("*",))},
    width=64,
    height=48,
    audio=AudioPart(),
)


class Desk:
    """A renderer that does what the test says: by path of the file."""

    def __init__(self) -> None:
        self.jobs: list[RenderJob] = []
        self._gates: dict[str, asyncio.Future[Rendered]] = {}

    async def render(self, job: RenderJob, on_progress: Callable[[float], None]) -> Rendered:
        self.jobs.append(job)
        gate = self._gates[job.output] = asyncio.get_running_loop().create_future()
        self.on_progress = on_progress
        return await gate

    def finish(self, error: Exception | None = None) -> None:
        path, gate = self._gates.popitem()
        if error is not None:
            gate.set_exception(error)
        else:
            Path(path).write_bytes(b"file")
            gate.set_result(Rendered(duration=3.0, size=4))


class Studio:
    """Compositions with a database and files that outlive them."""

    database: Database

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "compositions"
        self.recordings = RecordedCalls(folder)
        self.desk = Desk()
        self.news: list[tuple[CompositionEvent, Composition]] = []
        self.live: set[str] = set()
        self._url = f"sqlite:///{folder / 'rows.sqlite3'}"

    @contextlib.asynccontextmanager
    async def open(self, *, is_started: bool = True, **options: Any) -> AsyncIterator[Compositions]:
        database = self.database = await Database.open(self._url)
        options = {"render": self.desk.render} | options
        part = Compositions(lambda: database, lambda: self.folder, is_over=self.is_over, **options)
        part.recordings = self.recordings
        part.observe(lambda event, item: self.news.append((event, item)))
        try:
            if is_started:
                await part.start()
            yield part
        finally:
            await part.close()
            await database.close()

    async def is_over(self, call: str) -> bool:
        return call not in self.live

    @property
    def events(self) -> list[str]:
        return [event.removeprefix("composition-") for event, _ in self.news]

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


async def state_of(part: Compositions, made: Composition) -> CompositionState:
    found = await part.find(made.id)
    assert found is not None
    return found.state
