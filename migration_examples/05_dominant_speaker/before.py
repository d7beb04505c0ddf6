"""`before.js` for Python, as if Twilio had a module `twilio_video`.

It has none: `twilio-compat migrate apply` makes a program of this one that runs.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import twilio_video as Video


async def main(token: str, roomName: str, typed: AsyncIterator[str]) -> None:
    room = await Video.connect(
        token,
        {
            "name": roomName,
            "audio": False,
            "video": False,
            "dominantSpeaker": True,
            "bandwidthProfile": {"video": {"mode": "collaboration"}},
        },
    )
    tiles = list(room.participants.values())
    prominent = None

    def setPriority(participant, priority) -> None:
        for publication in participant.videoTracks.values():
            if publication.track:
                publication.track.setPriority(priority)

    def show() -> None:
        print("tiles:", *[participant.identity for participant in tiles], flush=True)

    def dominantSpeakerChanged(participant) -> None:
        nonlocal prominent
        if participant is None or participant is prominent:
            return  # in a silence the tiles stay as they are
        if prominent is not None:
            setPriority(prominent, None)
        prominent = participant
        setPriority(participant, "high")
        tiles.remove(participant)
        tiles.insert(0, participant)
        show()

    def participantConnected(participant) -> None:
        tiles.append(participant)
        show()

    def participantDisconnected(participant) -> None:
        tiles.remove(participant)
        show()

    show()
    dominantSpeakerChanged(room.dominantSpeaker)
    room.on("participantConnected", participantConnected)
    room.on("participantDisconnected", participantDisconnected)
    room.on("dominantSpeakerChanged", dominantSpeakerChanged)

    async for _line in typed:
        pass  # a page stays open until its user closes it
    room.disconnect()
    await room.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
