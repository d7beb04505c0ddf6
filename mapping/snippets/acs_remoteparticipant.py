"""Who comes into the call, and what becomes of them."""

import asyncio

from acs_core import (
    AzureCommunicationTokenCredential,
    CallAgentOptions,
    CallClient,
    CollectionUpdate,
    GroupCallLocator,
    JoinCallOptions,
    RemoteParticipant,
)


async def main(anna: str, ben: str) -> None:
    came, left = asyncio.Event(), asyncio.Event()

    def updated(update: CollectionUpdate[RemoteParticipant]) -> None:
        for participant in update.added:
            print(f"{participant.display_name} came")
            came.set()
        for participant in update.removed:
            print(f"{participant.display_name} is {participant.state}")
            left.set()

    place = GroupCallLocator("6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11")
    quietly = JoinCallOptions(streams=())
    async with CallClient() as client, CallClient() as other_client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(anna))
        other = await other_client.create_call_agent(
            AzureCommunicationTokenCredential(ben), CallAgentOptions(display_name="Ben")
        )
        call = await agent.join(place, quietly).connected()
        call.on("remoteParticipantsUpdated", updated)
        theirs = await other.join(place, quietly).connected()
        await came.wait()
        print(len(call.remote_participants))
        await theirs.hang_up()
        await left.wait()
        await call.hang_up()
