"""Ask for the word."""

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
        raise_hand = call.feature(Features.RAISE_HAND)
        await raise_hand.raise_hand()
        print(len(raise_hand.get_raised_hands()))
        await raise_hand.lower_hand()
        print(len(raise_hand.get_raised_hands()))
        await call.hang_up()
