"""`before.js` for Python, as if Twilio had a module `twilio_video`.

It has none: `twilio-compat migrate apply` makes a program of this one that runs.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import twilio_video as Video


async def main(token: str, roomName: str, typed: AsyncIterator[str]) -> None:
    room = await Video.connect(token, {"name": roomName, "audio": False, "video": False})

    def log(text: str) -> None:
        print(text, flush=True)

    def reconnecting(error) -> None:
        if error.code == 53001:
            log("reconnecting: signaling was lost")
        elif error.code == 53405:
            log("reconnecting: media was lost")

    room.on("reconnecting", reconnecting)
    room.on("reconnected", lambda: log(f"reconnected: {room.state}"))

    def participantChanged(participant) -> None:
        log(f"{participant.identity} is {participant.state}")

    room.on("participantReconnecting", participantChanged)
    room.on("participantReconnected", participantChanged)
    room.on("participantDisconnected", participantChanged)

    def disconnected(disconnectedRoom, error) -> None:
        if error:
            log(f"disconnected: {error.code} {error.message}")
        else:
            log("disconnected")

    room.on("disconnected", disconnected)

    async for _line in typed:
        pass  # a page stays open until its user closes it
    room.disconnect()
    await room.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
