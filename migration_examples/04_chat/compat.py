"""`before.js`, line by line; what is typed are the lines of standard input.

python compat.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import twilio_compat as Video


async def main(token: str, roomName: str, typed: AsyncIterator[str]) -> None:
    chat = Video.LocalDataTrack({"name": "chat"})
    room = await Video.connect(token, {"name": roomName, "tracks": [chat]})

    def log(text: str) -> None:
        print(text, flush=True)

    def trackSubscribed(track, publication, participant) -> None:
        if track.kind != "data":
            return
        log(f"{participant.identity} can be read")

        def received(data: str) -> None:
            message = json.loads(data)
            log(f"{participant.identity}: {message['text']}")

        track.on("message", received)

    for participant in room.participants.values():
        for publication in participant.dataTracks.values():
            if publication.isSubscribed:
                trackSubscribed(publication.track, publication, participant)
    room.on("trackSubscribed", trackSubscribed)
    room.on("participantDisconnected", lambda participant: log(f"{participant.identity} left"))

    async for text in typed:
        chat.send(json.dumps({"text": text}))
        log(f"me: {text}")
    room.disconnect()
    await room.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.rstrip("\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
