"""Listeners: any number, in their order, for good or for once; a coroutine may be one."""

import asyncio

from twilio_compat import RemoteParticipant, connect


async def main(alice: str, bob: str) -> None:
    room = await connect(alice, name="daily", audio=False, video=False)
    came = asyncio.Event()

    def listener(participant: RemoteParticipant) -> None:
        print(f"on {participant.identity}")

    room.on("participantConnected", listener).once("participantConnected", lambda: print("once"))
    print(room.listener_count("participantConnected"))
    room.once("participantConnected", came.set)
    other = await connect(bob, name="daily", audio=False, video=False)
    await came.wait()
    room.off("participantConnected", listener)
    print(room.listener_count("participantConnected"))
    other.disconnect()
    room.disconnect()
    await asyncio.gather(other.closed(), room.closed())
