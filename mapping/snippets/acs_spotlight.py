"""Put somebody before all others."""

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    Features,
    GroupCallLocator,
    JoinCallOptions,
)


async def main(anna: str) -> None:
    async with CallClient() as call_client:
        call_agent = await call_client.create_call_agent(AzureCommunicationTokenCredential(anna))
        place = GroupCallLocator("6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11")
        call = await call_agent.join(place, JoinCallOptions(streams=())).connected()
        spotlight = call.feature(Features.SPOTLIGHT)
        await spotlight.start_spotlight()  # oneself; or a list of identifiers
        print(len(spotlight.get_spotlighted_participants()))
        await spotlight.stop_all_spotlight()
        print(len(spotlight.get_spotlighted_participants()))
        await call.hang_up()
