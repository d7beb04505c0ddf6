"""`before.js` for Python, as if Twilio had a module `twilio_video`.

It has none: `twilio-compat migrate apply` makes a program of this one that runs.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import twilio_video as Video

# A server has no microphone; a browser asks for it by itself.
AUDIO = {"source": "tone", "frequency": 440.0}


async def main(token: str, lobbyName: str, buttons: AsyncIterator[str]) -> None:
    bell = Video.LocalDataTrack({"name": "bell"})
    lobby = await Video.connect(token, {"name": lobbyName, "tracks": [bell]})
    me = lobby.localParticipant.identity
    ringing = None

    def log(text: str) -> None:
        print(text, flush=True)

    def heard(text, participant) -> None:
        nonlocal ringing
        message = json.loads(text)
        if message.get("call") == me:
            ringing = {"room": message["room"], "from": participant.identity}
            log(f"{ringing['from']} calls")
        elif ringing and message.get("cancel") == ringing["room"]:
            log(f"{ringing['from']} gave up")
            ringing = None

    def follow(track, publication, participant) -> None:
        if track.kind == "data":
            log(f"{participant.identity} can call")
            track.on("message", lambda text: heard(text, participant))

    def decline() -> None:
        nonlocal ringing
        bell.send(json.dumps({"declined": ringing["room"]}))
        log("declined")
        ringing = None

    async def answer() -> None:
        nonlocal ringing
        room = await Video.connect(token, {"name": ringing["room"], "audio": AUDIO, "video": False})
        ringing = None

        def participantConnected(participant) -> None:
            log(f"in a call with {participant.identity}")

        def participantDisconnected(participant) -> None:
            log(f"{participant.identity} hung up")
            room.disconnect()

        for participant in room.participants.values():
            participantConnected(participant)
        room.on("participantConnected", participantConnected)
        room.on("participantDisconnected", participantDisconnected)

    for participant in lobby.participants.values():
        for publication in participant.dataTracks.values():
            if publication.isSubscribed:
                follow(publication.track, publication, participant)
    lobby.on("trackSubscribed", follow)

    async for button in buttons:
        if button == "answer" and ringing:
            await answer()
        elif button == "decline" and ringing:
            decline()
    lobby.disconnect()
    await lobby.closed()


async def lines() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.strip()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], lines()))
