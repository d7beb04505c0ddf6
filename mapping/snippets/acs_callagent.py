"""Join a group, and hear of all calls of the agent."""

from acs_core import (
    AzureCommunicationTokenCredential,
    Call,
    CallAgentOptions,
    CallClient,
    CollectionUpdate,
    GroupCallLocator,
    JoinCallOptions,
)


async def main(anna: str) -> None:
    def calls_updated(update: CollectionUpdate[Call]) -> None:
        print(f"{len(update.added)} more, {len(update.removed)} less")

    async with CallClient() as call_client:
        credential = AzureCommunicationTokenCredential(anna)
        call_agent = await call_client.create_call_agent(
            credential, CallAgentOptions(display_name="Anna")
        )
        call_agent.on("callsUpdated", calls_updated)

        place = GroupCallLocator("6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11")
        call = call_agent.join(place, JoinCallOptions(streams=()))
        print(len(call_agent.calls), call.direction)
        await call.connected()
        await call.hang_up()
        print(len(call_agent.calls))
