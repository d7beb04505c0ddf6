"""`before.js`, line by line: the import is new, and Python's syntax; every name is Twilio's.

python compat.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import twilio_compat as Video

# A server has no camera and no microphone; a browser asks for both by itself.
AUDIO = {"source": "tone", "frequency": 440.0}
VIDEO = {"source": "pattern", "width": 160, "height": 96, "frameRate": 15, "color": (200, 0, 0)}


async def main(token: str, roomName: str, typed: AsyncIterator[str]) -> None:
    room = await Video.connect(token, {"name": roomName, "audio": AUDIO, "video": VIDEO})
    media: dict[str, object] = {}

    def log(text: str) -> None:
        print(text, flush=True)

    log(f"connected to {room.name}")

    def participantConnected(participant) -> None:
        log(f"{participant.identity} is here")
        for publication in participant.tracks.values():
            if publication.isSubscribed:
                trackSubscribed(publication.track, publication, participant)

    def trackSubscribed(track, publication, participant) -> None:
        log(f"{track.kind} of {participant.identity} arrives")
        if track.kind != "data":
            media[track.sid] = track.attach()  # a surface with the newest picture, or a sink

    def trackUnsubscribed(track, publication, participant) -> None:
        log(f"{track.kind} of {participant.identity} ends")
        if track.kind != "data":
            for _element in track.detach():
                del media[track.sid]

    for participant in room.participants.values():
        participantConnected(participant)
    room.on("participantConnected", participantConnected)
    room.on("trackSubscribed", trackSubscribed)
    room.on("trackUnsubscribed", trackUnsubscribed)
    room.on("participantDisconnected", lambda participant: log(f"{participant.identity} left"))
    room.once("disconnected", lambda disconnectedRoom, error: log("disconnected"))

    async for _line in typed:
        pass  # a page stays open until its user closes it
    room.disconnect()
    await room.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
