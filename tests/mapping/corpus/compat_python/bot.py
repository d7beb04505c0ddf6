import asyncio

from twilio_compat import LocalDataTrack, Room, connect  # @ import


async def main(token: str) -> None:
    data = LocalDataTrack()  # @ LocalDataTrack
    async with await connect(token, name="lobby", tracks=[data]) as room:  # @ connect, ConnectOptions.name, ConnectOptions.tracks
        watch(room)
        for participant in room.participants.values():  # @ Room.participants
            print(participant.identity)  # @ Participant.identity
        data.send("hello")  # @ LocalDataTrack.send
        await asyncio.sleep(10)


def watch(room: Room) -> None:
    @room.on("participantConnected")  # @ Room#participantConnected
    def joined(participant):
        participant.on("trackSubscribed", lambda track, *_: print(track.name))  # @ RemoteParticipant#trackSubscribed, Track.name

    for event in ("reconnecting", "reconnected"):  # @ Room#reconnecting, Room#reconnected
        room.on(event, print)


asyncio.run(main("token"))
