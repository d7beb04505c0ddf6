"""Says who comes and goes; written for a Python module that has Twilio's names."""

from twilio_video import connect


def arrived(participant):
    print(f"{participant.identity} is here", flush=True)


async def main(token, name, over):
    room = await connect(token, {"name": name, "audio": {"source": "tone"}, "video": False})
    for participant in room.participants.values():
        arrived(participant)
    room.on("participantConnected", arrived)
    room.on("participantDisconnected", lambda guest: print(f"{guest.identity} left", flush=True))
    room.once("disconnected", lambda _room, _error: print("disconnected", flush=True))
    await over.wait()
    print(len(room.participants), "others", flush=True)
    room.disconnect()
    await room.closed()
