"""A server in a process of its own whose calls all have the same recordings.

`python -m tests.support.composing_service FOLDER` prints a JSON line when it is ready, and ends
with its standard input. FOLDER has the recordings, and the data directory, which outlives it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.recorded_calls import Recorded
from twilio_compat.server import CompatServer
from twilio_compat.settings import ServerSettings

__all__ = ["SECONDS"]

SECONDS = 2.0


class SameRecordings:
    """Every call has a picture and a sound."""

    def __init__(self, folder: Path) -> None:
        self._tracks = (
            Recorded(folder / "picture.mkv", "video", "cam", SECONDS),
            Recorded(folder / "sound.mka", "audio", "mic", SECONDS),
        )

    async def of_call(self, call_id: str) -> Sequence[Recorded]:
        return self._tracks

    def path_of(self, info: Any) -> Path:
        path: Path = info.path
        return path

    async def settled(self, call_id: str) -> None:
        return


async def _serve(folder: Path) -> None:
    settings = ServerSettings(
        dev=True, port=0, media_port=0, data_dir=folder / "data", compositions_at_once=2
    )
    server = CompatServer(settings)
    server.compositions.recordings = SameRecordings(folder)
    async with server:
        sid, key = next(iter(server.settings.api_keys.items()))  # type: ignore[attr-defined]
        print(json.dumps({"url": server.url, "sid": sid, "secret": key.secret}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
