"""Who comes to a call, who leaves it, and the end."""

import asyncio

from acs_core import (
    AzureCommunicationTokenCredential,
    CallAgentOptions,
    CallClient,
    CollectionUpdate,
    JoinCallOptions,
    RemoteParticipant,
    RoomCallLocator,
)

QUIETLY = JoinCallOptions(streams=())


async def main(alice: str, bob: str) -> None:
    came, left = asyncio.Event(), asyncio.Event()

    def participants_updated(update: CollectionUpdate[RemoteParticipant]) -> None:
        for participant in update.added:
            print(f"{participant.display_name} came")
            came.set()
        for participant in update.removed:
            print(f"{participant.display_name} left")
            left.set()

    async with CallClient() as client, CallClient() as other_client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(alice))
        other_agent = await other_client.create_call_agent(
            AzureCommunicationTokenCredential(bob), CallAgentOptions(display_name="bob")
        )
        call = await agent.join(RoomCallLocator("daily"), QUIETLY).connected()
        call.on("remoteParticipantsUpdated", participants_updated)
        other = await other_agent.join(RoomCallLocator("daily"), QUIETLY).connected()
        await came.wait()
        await other.hang_up()
        await left.wait()
        await call.hang_up()
        print(f"daily is {call.state.lower()}")
