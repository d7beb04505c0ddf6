"""`before.js` for Python, as if Twilio had a module `twilio_video`.

It has none: `twilio-compat migrate apply` makes a program of this one that runs.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import twilio_video as Video

# A server has no screen, so this one is painted; {"source": "screen"} captures a real one.
SCREEN = {"source": "pattern", "width": 320, "height": 192, "frameRate": 15, "color": (0, 0, 200)}


async def main(token: str, roomName: str, buttons: AsyncIterator[str]) -> None:
    room = await Video.connect(token, {"name": roomName, "audio": False, "video": False})
    local = room.localParticipant

    def log(text: str) -> None:
        print(text, flush=True)

    async def trackSubscribed(track, publication, participant) -> None:
        if track.name != "screen":
            return
        log(f"{participant.identity} shares")
        frames = track.frames()  # a page attaches the track; a program looks at its color
        picture = (await anext(frames)).to_rgb()
        frames.close()
        color = ("red", "green", "blue")[picture.mean(axis=(0, 1)).argmax()]
        log(f"{participant.identity} shows something {color}")

    def trackUnsubscribed(track, publication, participant) -> None:
        if track.name == "screen":
            log(f"{participant.identity} does not share")

    for participant in room.participants.values():
        for publication in participant.videoTracks.values():
            if publication.isSubscribed:
                await trackSubscribed(publication.track, publication, participant)
    room.on("trackSubscribed", trackSubscribed)
    room.on("trackUnsubscribed", trackUnsubscribed)

    async for button in buttons:
        if button == "share":
            screenTrack = await Video.createLocalVideoTrack({**SCREEN, "name": "screen"})
            await local.publishTrack(screenTrack)
            log("I share")
        elif button == "unshare":
            local.unpublishTrack(screenTrack)
            screenTrack.stop()
            log("I do not share")
    room.disconnect()
    await room.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
