"""Send a message to everybody in the call."""

import asyncio

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    DataChannelReceiver,
    DataChannelSenderOpenOptions,
    Features,
    GroupCallLocator,
    JoinCallOptions,
)


async def main(anna: str, ben: str) -> None:
    heard = asyncio.Event()

    def receiver_created(receiver: DataChannelReceiver) -> None:
        def message_ready() -> None:
            message = receiver.read_message()
            if message is not None:
                print(message.data.decode())
                heard.set()

        receiver.on("messageReady", message_ready)

    place = GroupCallLocator("6a4b3a3e-9d0b-4ef0-a6a5-2c6d1d0f5a11")
    quietly = JoinCallOptions(streams=())
    async with CallClient() as client, CallClient() as other_client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(anna))
        other = await other_client.create_call_agent(AzureCommunicationTokenCredential(ben))
        call = await agent.join(place, quietly).connected()
        theirs = await other.join(place, quietly).connected()
        theirs.feature(Features.DATA_CHANNEL).on("dataChannelReceiverCreated", receiver_created)

        data_channel = call.feature(Features.DATA_CHANNEL)
        options = DataChannelSenderOpenOptions(channel_id=1000)
        await data_channel.create_data_channel_sender(options).send_message(b"hello")
        await heard.wait()
        await call.hang_up()
        await theirs.hang_up()
