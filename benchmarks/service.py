"""The service as a child process: `python -m benchmarks.service --plane batch`.

Prints a line with its address and tokens. Answers each line of its input with what it holds:
before that, "record" records every call, and "stop" ends that. Ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
from pathlib import Path

from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL
from benchmarks.processes import resident_bytes
from twilio_compat.server import CompatServer, embedded
from twilio_compat.settings import ServerSettings

__all__: list[str] = []


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


def _obey(server: CompatServer, question: str) -> None:
    for call in server.calls.live.values():
        if question == "record":
            call.set_recording_rules(INCLUDE_ALL)
        elif question == "stop":
            call.set_recording_rules(EXCLUDE_ALL)


def _holds(server: CompatServer) -> dict[str, int]:
    gc.collect()
    descriptors = list(Path("/proc/self/fd").iterdir())
    files = server.recordings.folder.iterdir()
    return {
        "recorded": sum(path.stat().st_size for path in files),
        "rss": resident_bytes(os.getpid()),
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(descriptors),
    }


def _ready(server: CompatServer, tokens: int) -> dict[str, object]:
    assert isinstance(server.settings, ServerSettings)
    return {
        "url": server.url,
        "plane": server.engine.plane_name,
        "tokens": [server.issue_user_token()[1].token for _ in range(tokens)],
        "access_tokens": [server.access_token(f"participant-{n}") for n in range(tokens)],
        "api_key": next((sid, key.secret) for sid, key in server.settings.api_keys.items()),
    }


async def _serve(plane: str, tokens: int, data_dir: str | None) -> None:
    loop = asyncio.get_running_loop()
    options = {"plane": plane, "data_dir": data_dir, "rest_reads": 1e6, "rest_writes": 1e6}
    async with embedded(options=options) as server:
        _say(_ready(server, tokens))
        # A line at a time, in a thread: the loop must not wait for us.
        while question := await loop.run_in_executor(None, sys.stdin.readline):
            _obey(server, question.strip())
            _say(_holds(server))


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plane", default="auto")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.plane, arguments.tokens, arguments.data_dir))


if __name__ == "__main__":
    main()
