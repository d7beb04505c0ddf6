"""`before.js`, line by line; a click on a name is a line like `prefer ann`.

python compat.py TOKEN ROOM; CALLING_SERVICE_URL says where the service is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import twilio_compat as Video


async def main(token: str, roomName: str, clicks: AsyncIterator[str]) -> None:
    room = await Video.connect(
        token,
        {
            "name": roomName,
            "audio": False,
            "video": False,
            "bandwidthProfile": {"video": {"mode": "presentation", "maxTracks": 1}},
        },
    )

    def log(text: str) -> None:
        print(text, flush=True)

    def follow(track, publication, participant) -> None:
        if track.kind != "video":
            return
        if track.isSwitchedOff:
            log(f"{participant.identity} is switched off")
        track.on("switchedOff", lambda *_: log(f"{participant.identity} is switched off"))
        track.on("switchedOn", lambda *_: log(f"{participant.identity} is switched on"))

    def prefer(identity: str) -> None:
        for participant in room.participants.values():
            for publication in participant.videoTracks.values():
                if publication.track:
                    publication.track.setPriority(
                        "high" if participant.identity == identity else None
                    )

    for participant in room.participants.values():
        for publication in participant.videoTracks.values():
            if publication.isSubscribed:
                follow(publication.track, publication, participant)
    room.on("trackSubscribed", follow)

    async for click in clicks:
        prefer(click.removeprefix("prefer "))
    room.disconnect()
    await room.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
