"""`before.js` for Python, as if Twilio had a module `twilio_video`.

It has none: `twilio-compat migrate apply` makes a program of this one that runs.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import twilio_video as Video

# A server has no camera and no microphone; a browser asks for both by itself.
AUDIO = {"source": "tone", "frequency": 440.0}
VIDEO = {"source": "pattern", "width": 160, "height": 96, "frameRate": 15}


async def main(token: str, roomName: str, buttons: AsyncIterator[str]) -> None:
    room = await Video.connect(token, {"name": roomName, "audio": AUDIO, "video": VIDEO})

    def log(text: str) -> None:
        print(text, flush=True)

    def setEnabled(kind: str, enabled: bool) -> None:
        local = room.localParticipant
        publications = local.audioTracks if kind == "audio" else local.videoTracks

        def change(publication) -> None:
            if enabled:
                publication.track.enable()
            else:
                publication.track.disable()

        publications.forEach(change)

    room.localParticipant.on("trackDisabled", lambda track: log(f"my {track.kind} is off"))
    room.localParticipant.on("trackEnabled", lambda track: log(f"my {track.kind} is on"))

    def followPublication(publication, participant) -> None:
        name = f"{publication.kind} of {participant.identity}"
        if not publication.isTrackEnabled:
            log(f"{name} is off")
        publication.on("trackDisabled", lambda: log(f"{name} is off"))
        publication.on("trackEnabled", lambda: log(f"{name} is on"))

    def followParticipant(participant) -> None:
        participant.tracks.forEach(lambda publication: followPublication(publication, participant))
        participant.on(
            "trackPublished", lambda publication: followPublication(publication, participant)
        )

    room.participants.forEach(lambda participant: followParticipant(participant))
    room.on("participantConnected", followParticipant)

    async for button in buttons:
        if button == "leave":
            break
        action, _, kind = button.partition(" ")
        setEnabled(kind, action == "unmute")
    room.disconnect()
    await room.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
