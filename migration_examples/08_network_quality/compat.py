"""`before.js`, line by line.

python compat.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import twilio_compat as Video

# A server has no camera and no microphone; a browser asks for both by itself.
AUDIO = {"source": "tone", "frequency": 440.0}
VIDEO = {"source": "pattern", "width": 160, "height": 96, "frameRate": 15}


async def main(token: str, roomName: str, typed: AsyncIterator[str]) -> None:
    room = await Video.connect(
        token,
        {
            "name": roomName,
            "audio": AUDIO,
            "video": VIDEO,
            "networkQuality": {"local": 1, "remote": 1},
        },
    )
    shown: dict[str, str] = {}

    def show(participant, level) -> None:
        if level is None:
            return
        bars = "no bars" if level == 0 else "few bars" if level < 3 else "many bars"
        if shown.get(participant.identity) != bars:
            shown[participant.identity] = bars
            name = (
                "I have" if participant is room.localParticipant else participant.identity + " has"
            )
            print(name, bars, flush=True)

    def follow(participant) -> None:
        show(participant, participant.networkQualityLevel)
        participant.on("networkQualityLevelChanged", lambda level, _: show(participant, level))

    follow(room.localParticipant)
    room.participants.forEach(lambda participant: follow(participant))
    room.on("participantConnected", follow)

    async for _line in typed:
        pass  # a page stays open until its user closes it
    room.disconnect()
    await room.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
