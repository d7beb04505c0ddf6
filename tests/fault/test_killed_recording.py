"""The service is killed while it records: what it left plays, and nothing stays half done."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from acs_core.service.recording.info import RecordingInfo, RecordingQuery, RecordingStatus
from tests.support.events import until
from tests.support.recordings import pictures_of, sounds_of
from twilio_compat import connect
from twilio_compat.server import embedded

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0


@asynccontextmanager
async def recorded_server(folder: Path) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.recorded_server",
        str(folder),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            line = await process.stdout.readline()
        yield process, json.loads(line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def are_written(folder: Path, size: int) -> bool:
    """Whether each of two files has so many bytes."""
    files = list(folder.glob("*.mk?"))
    return len(files) == 2 and all(path.stat().st_size > size for path in files)


async def record_and_kill(folder: Path, after: float) -> None:
    """One publisher with sound and picture; the service is gone so long after its first cluster."""
    async with recorded_server(folder) as (process, ready):
        room = await connect(
            ready["tokens"][0],
            name="studio",
            service_url=ready["url"],
            audio={"source": "tone"},
            video={"source": "pattern", "width": 160, "height": 96, "frameRate": 15},
        )
        try:
            written = folder / "media" / "recordings"
            await until(lambda: are_written(written, 1500), deadline=DEADLINE)
            await asyncio.sleep(after)
        finally:
            process.kill()
            await process.wait()
            room.disconnect()


async def left_behind(folder: Path) -> list[tuple[RecordingInfo, Path]]:
    """What the next service makes of it, once it has looked at all."""
    async with embedded(options={"data_dir": folder}) as server:
        recordings = server.recordings
        async with asyncio.timeout(DEADLINE):
            # Observers come too late for what happens at the start.
            waiting = RecordingQuery(status=RecordingStatus.PROCESSING)
            while await recordings.list(waiting):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return [
            (info, recordings.path_of(info)) for info in await recordings.list(RecordingQuery())
        ]


async def check(folder: Path) -> None:
    found = await left_behind(folder)
    assert sorted(info.kind for info, _ in found) == ["audio", "video"]
    for info, path in found:
        assert info.status is RecordingStatus.COMPLETED, info
        assert info.size == path.stat().st_size
        assert info.duration is not None
        if info.kind == "video":
            pictures = pictures_of(path)
            counters = [picture.counter for picture in pictures]
            assert counters == sorted(set(counters), key=lambda counter: counter or 0)
            end = pictures[-1].time
        else:
            end = sounds_of(path)[-1][0]
        assert end > 0.8
        assert abs(end - info.duration) < 0.3


async def test_a_killed_service_leaves_files_that_play(tmp_path: Path) -> None:
    await record_and_kill(tmp_path, 0.3)
    await check(tmp_path)


@pytest.mark.proof
@pytest.mark.timeout(1800)
async def test_fifty_killed_services_leave_files_that_play(tmp_path: Path) -> None:
    chance = random.Random(1)
    for number in range(50):
        folder = tmp_path / str(number)
        await record_and_kill(folder, chance.uniform(0.0, 2.0))
        await check(folder)
    print("50 services were killed; 100 files play to their end")
