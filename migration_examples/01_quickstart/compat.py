"""`before.js`, line by line: the import is new, and Python's syntax; every name is Twilio's.

python compat.py TOKEN ROOM [--seconds 10]; CALLING_SERVICE_URL says where the service is.
"""

import argparse
import asyncio
import os

import twilio_compat as Video


async def main(token: str, room_name: str, seconds: float) -> None:
    room = await Video.connect(
        token, {"name": room_name, "dominantSpeaker": True, "audio": TONE, "video": PATTERN}
    )
    print(f"connected to {room.name} as {room.localParticipant.identity}", flush=True)

    def participantConnected(participant: Video.RemoteParticipant) -> None:
        print(f"{participant.identity} is here", flush=True)
        for publication in participant.tracks.values():
            if publication.isSubscribed:
                trackSubscribed(publication.track, publication, participant)

    def trackSubscribed(track, publication, participant) -> None:
        print(f"{track.kind} of {participant.identity} arrives", flush=True)
        if track.kind != "data":
            media[track.sid] = track.attach()  # a surface with the newest picture, or a sink

    def trackUnsubscribed(track, publication, participant) -> None:
        print(f"{track.kind} of {participant.identity} ends", flush=True)
        if track.kind != "data":
            for _element in track.detach():
                del media[track.sid]

    media: dict[str, object] = {}
    for participant in room.participants.values():
        participantConnected(participant)
    room.on("participantConnected", participantConnected)
    room.on("trackSubscribed", trackSubscribed)
    room.on("trackUnsubscribed", trackUnsubscribed)
    room.on(
        "participantDisconnected",
        lambda participant: print(f"{participant.identity} left", flush=True),
    )
    room.once("disconnected", lambda _room, _error: print("disconnected", flush=True))

    await asyncio.sleep(seconds)  # a page stays open until its user closes it
    room.disconnect()
    await room.closed()


# A server has no camera and no microphone; a browser asks for both by itself.
PATTERN = {"source": "pattern", "color": (40, 120, 200)}
TONE = {"source": "tone", "frequency": 440.0}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("token", nargs="?", default=os.environ.get("ACCESS_TOKEN", ""))
    parser.add_argument("room", nargs="?", default="quickstart")
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    asyncio.run(main(given.token, given.room, given.seconds))
