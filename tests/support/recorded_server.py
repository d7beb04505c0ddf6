"""A server in a process of its own that records everything, to be killed: its folder, a room.

`python -m tests.support.recorded_server FOLDER` prints a line with its address and a token, ends
with its input, and goes on until then.
"""

from __future__ import annotations

import asyncio
import json
import sys

from tests.support.recordings import studio
from twilio_compat.server import embedded


async def serve(folder: str) -> None:
    """Serve until the input ends."""
    options = {"data_dir": folder, "free_disk_floor": 0}
    async with embedded(options=options) as server:
        studio(server)
        tokens = [server.access_token(name) for name in ("anna", "ben")]
        print(json.dumps({"url": server.url, "tokens": tokens}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
