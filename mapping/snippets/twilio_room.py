"""Who comes to a room, who leaves it, and the end."""

import asyncio

from twilio_compat import RemoteParticipant, Room, TwilioError, connect


async def main(alice: str, bob: str) -> None:
    room = await connect(alice, name="daily", audio=False, video=False)
    came, left = asyncio.Event(), asyncio.Event()

    def participant_connected(participant: RemoteParticipant) -> None:
        print(f"{participant.identity} came")
        came.set()

    def participant_disconnected(participant: RemoteParticipant) -> None:
        print(f"{participant.identity} left")
        left.set()

    def disconnected(gone: Room, _error: TwilioError | None) -> None:
        print(f"{gone.name} is {gone.state}")

    room.on("participantConnected", participant_connected)
    room.on("participantDisconnected", participant_disconnected)
    room.on("disconnected", disconnected)

    other = await connect(bob, name="daily", audio=False, video=False)
    await came.wait()
    other.disconnect()
    await left.wait()
    room.disconnect()
    await room.closed()  # now devices are free, too
