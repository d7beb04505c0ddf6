"""What was recorded of calls, without a recorder: files, and what compositions ask of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.track_files import write_color, write_tone

__all__ = ["Recorded", "RecordedCalls"]

EPOCH = 1_700_000_000.0


@dataclass(frozen=True)
class Recorded:
    """One recording."""

    path: Path
    kind: str
    name: str
    duration: float
    offset_ms: int = 5_000
    endpoint: str = field(default_factory=lambda: uuid.uuid4().hex)
    identity: str = "ann"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    publication: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def created_at(self) -> float:
        return EPOCH + self.offset_ms / 1000


class RecordedCalls:
    """A `RecordingSource` whose recordings a test makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calls: dict[str, list[Recorded]] = {}
        self.is_settled = asyncio.Event()
        self.is_settled.set()

    def color(
        self, call: str, color: tuple[int, int, int], seconds: float, **facts: Any
    ) -> Recorded:
        """Add pictures."""
        path = self._folder / f"{uuid.uuid4().hex}.mkv"
        write_color(path, color, seconds)
        return self._add(call, Recorded(path, "video", facts.pop("name", "cam"), seconds, **facts))

    def tone(self, call: str, frequency: float, seconds: float, **facts: Any) -> Recorded:
        """Add sound."""
        path = self._folder / f"{uuid.uuid4().hex}.mka"
        write_tone(path, frequency, seconds)
        return self._add(call, Recorded(path, "audio", facts.pop("name", "mic"), seconds, **facts))

    async def of_call(self, call_id: str) -> Sequence[Recorded]:
        return self._calls.get(call_id, [])

    def path_of(self, info: Any) -> Path:
        path: Path = info.path
        return path

    async def settled(self, call_id: str) -> None:
        await self.is_settled.wait()

    def _add(self, call: str, recorded: Recorded) -> Recorded:
        self._calls.setdefault(call, []).append(recorded)
        return recorded
