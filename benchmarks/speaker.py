"""A real publisher as a child process: `python -m benchmarks.speaker URL ROOM TOKEN`.

It encodes as any client does, and answers requests for key frames. Ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import sys

from twilio_compat import connect

__all__: list[str] = []


async def _speak(url: str, room_name: str, token: str) -> None:
    loop = asyncio.get_running_loop()
    room = await connect(
        token,
        name=room_name,
        audio={"source": "tone"},
        video={"source": "pattern", "width": 640, "height": 360},
        service_url=url,
    )
    print(json.dumps({"room": room.name}), flush=True)
    await loop.run_in_executor(None, functools.partial(sys.stdin.read, 1))
    room.disconnect()
    await room.closed()


def main() -> None:
    """Publish until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("room")
    parser.add_argument("token")
    arguments = parser.parse_args()
    asyncio.run(_speak(arguments.url, arguments.room, arguments.token))


if __name__ == "__main__":
    main()
